"""Train a small ResNet on 1,349 scanned digits through Module.forward_backward, in some twenty seconds.

    python scripts/train_digits.py

The loop is all there is to it: the whole batch forward, one backward on the mean of its losses, one
update. `mx-notes train` does the same with checkpoints, curves and a check of every step.
"""

from mx_notes.recipes import preset
from mx_notes.runtime import mx
from mx_notes.training import Meter, score, start

recipe = preset("digits")  # every knob: mx-notes recipes digits
run = start(recipe)  # loads the data, binds the network, initialises it from the seed

for epoch in range(recipe.epochs):
    meter = Meter()
    for batch in run.feed.epoch(epoch):
        run.module.forward_backward(batch)
        run.module.update()
        meter.add(run.module.get_outputs(), batch.label[0])
    mx.nd.waitall()  # before anything reads batch norm's running statistics
    trained = meter.score()
    validation = score(run.module, run.data.evaluation("validation", recipe.batch_size))
    print(f"epoch {epoch + 1:2}  loss {trained.loss:.4f}  validation accuracy {validation.accuracy:.4f}")

test = score(run.module, run.data.evaluation("test", recipe.batch_size))
print(f"test accuracy {test.accuracy:.4f} with the last epoch's parameters, seed {recipe.seed}")
