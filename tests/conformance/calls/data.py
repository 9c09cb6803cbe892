"""mx.io, mx.image, mx.recordio, gluon.data, and GluonCV's transforms and targets."""

import os
import struct
import tempfile

import mxnet as mx
import numpy as np
from mxnet import gluon, nd

from . import grid

PICTURE = (grid(12, 16, 3, dtype="int64") % 251).astype(np.uint8)
BOXES = np.array([[1.0, 2, 9, 11, 0], [3, 1, 14, 8, 1]])
HEADER = mx.recordio.IRHeader
FOLDER = tempfile.TemporaryDirectory()  # until the process ends
transforms = gluon.data.vision.transforms


def batches(iterator):
    return [(batch.data[0].shape, batch.pad) for batch in iterator]


def records(label=lambda i: float(i % 2)):
    """A RecordIO file of six pictures, as (file, index)."""
    folder = tempfile.mkdtemp(dir=FOLDER.name)
    file, index = os.path.join(folder, "d.rec"), os.path.join(folder, "d.idx")
    writer = mx.recordio.MXIndexedRecordIO(index, file, "w")
    for i in range(6):
        writer.write_idx(i, mx.recordio.pack_img(HEADER(0, label(i), i, 0), PICTURE, img_fmt=".png"))
    writer.close()
    return file, index


def of_records(make, **options):
    file, index = records(**options)
    return make(file, index)


def text_file(content):
    file = os.path.join(tempfile.mkdtemp(dir=FOLDER.name), "d.txt")
    with open(file, "w") as out:
        out.write(content)
    return file


def augmented(augmenters):
    picture = nd.array(PICTURE)
    for augmenter in augmenters:
        picture = augmenter(picture)
    return picture.shape


def detection():
    label = BOXES[:, [4, 0, 1, 2, 3]] / [1, 16, 12, 16, 12]
    augmenters = mx.image.CreateDetAugmenter(
        (3, 8, 8),
        rand_crop=0.5,
        rand_pad=0.5,
        rand_mirror=True,
        mean=np.ones(3),
        std=np.ones(3),
        pca_noise=0.1,
    )
    picture = nd.array(PICTURE)
    for augmenter in augmenters:
        picture, label = augmenter(picture, label)
    return picture.shape, label.shape[1]


def loaded(workers, **options):
    data = gluon.data.ArrayDataset(grid(7, 2), np.arange(7))
    loader = gluon.data.DataLoader(data, 3, num_workers=workers, last_batch="keep", **options)
    return [[part.asnumpy() for part in batch] for batch in loader]


def gluoncv_presets(name):
    from gluoncv.data.transforms import presets

    module = __import__(f"gluoncv.data.transforms.presets.{name}", fromlist=["x"]) or presets
    return module.transform_test([nd.array(PICTURE)], short=16)[1].shape


def gluoncv_box(function, *arguments, **options):
    from gluoncv.data.transforms import bbox

    return getattr(bbox, function)(*arguments, **options)


def center_net():
    from gluoncv.model_zoo.center_net.target_generator import CenterNetTargetGenerator

    return CenterNetTargetGenerator(3, 16, 16)(BOXES[:, :4], BOXES[:, 4:])


def ssd():
    from gluoncv.model_zoo.ssd.target import SSDTargetGenerator

    anchors = nd.array([[[0.2, 0.2, 0.5, 0.5], [0.4, 0.4, 1, 1], [0.1, 0.1, 0.9, 0.9]]])
    boxes, ids = nd.array(BOXES[None, :, :4] / [16, 12, 16, 12]), nd.array(BOXES[None, :, 4:])
    return SSDTargetGenerator()(anchors, nd.zeros((1, 3, 3)), boxes, ids)


def yolo():
    from gluoncv.data.transforms.presets.yolo import YOLO3DefaultTrainTransform
    from gluoncv.model_zoo import yolo3_darknet53_voc

    net = yolo3_darknet53_voc(pretrained_base=False)
    net.initialize()
    picture, *targets = YOLO3DefaultTrainTransform(64, 64, net)(nd.array(PICTURE), BOXES)
    return picture.shape, [target.shape for target in targets]


def ssd_transform():
    from gluoncv.data.transforms.presets.ssd import SSDDefaultTrainTransform

    picture, label = SSDDefaultTrainTransform(32, 32)(nd.array(PICTURE), BOXES)
    return picture.shape, label.shape[1]


def detection_metric():
    from gluoncv.utils.metrics.voc_detection import VOC07MApMetric

    metric = VOC07MApMetric(class_names=["a", "b"])
    boxes, ids = nd.array(BOXES[None, :, :4]), nd.array(BOXES[None, :, 4:])
    for _ in range(3):
        metric.update(boxes, ids, nd.array([[[0.5], [0.75]]]), boxes, ids)
    return metric.get()


def segmentation_metric():
    from gluoncv.utils.metrics.segmentation import SegmentationMetric

    metric = SegmentationMetric(2)
    for _ in range(3):
        metric.update(nd.array(grid(1, 2, 2) % 2), nd.array(grid(1, 2, 2, 2)))
    return metric.get()


CALLS = {
    "pack one label": lambda: mx.recordio.pack(HEADER(0, 1.5, 7, 0), b"abc").hex(),
    "pack np.float32": lambda: mx.recordio.pack(HEADER(0, np.float32(1.5), np.int64(7), 0), b"abc").hex(),
    "pack a list": lambda: mx.recordio.pack(HEADER(0, [1.0, 2.5], 7, 0), b"abc").hex(),
    "pack an array": lambda: mx.recordio.pack(HEADER(0, np.array([1.0, 2.5]), 7, 0), b"abc").hex(),
    "pack a matrix": lambda: mx.recordio.pack(HEADER(4, grid(2, 2), 7, 0), b"abc").hex(),
    "pack a tuple": lambda: mx.recordio.pack((0, [3], 7, 0), b"").hex(),
    "unpack": lambda: mx.recordio.unpack(mx.recordio.pack(HEADER(0, [1.0, 2.5], 7, 0), b"abc")),
    "pack_img": lambda: mx.recordio.unpack_img(mx.recordio.pack_img(HEADER(0, 1.0, 7, 0), PICTURE, img_fmt=".png"))[1].sum(),
    "pack_img, JPEG": lambda: mx.recordio.unpack_img(mx.recordio.pack_img(HEADER(0, [1.0, 2], 7, 0), PICTURE))[1].shape,
    "pack_img, quality": lambda: mx.recordio.unpack(mx.recordio.pack_img(HEADER(0, 1.0, 7, 0), PICTURE, 90))[0],
    "pack_img, unknown": lambda: mx.recordio.pack_img(HEADER(0, 1.0, 7, 0), PICTURE, img_fmt=".nothing"),
    "record's format": lambda: struct.calcsize(mx.recordio._IR_FORMAT),
    "ImageRecordIter": lambda: of_records(
        lambda f, i: batches(mx.io.ImageRecordIter(path_imgrec=f, data_shape=tuple(np.array([3, 8, 8])), batch_size=np.int64(4)))
    ),
    "ImageRecordIter, means": lambda: of_records(
        lambda f, i: batches(mx.io.ImageRecordIter(path_imgrec=f, data_shape=(3, 8, 8), batch_size=2, mean_r=np.float32(1)))
    ),
    "ImageIter": lambda: of_records(
        lambda f, i: batches(mx.image.ImageIter(4, (3, 8, 8), path_imgrec=f, path_imgidx=i, shuffle=True, rand_crop=True))
    ),
    "ImageIter, several labels": lambda: of_records(
        lambda f, i: next(mx.image.ImageIter(2, (3, 8, 8), label_width=2, path_imgrec=f, path_imgidx=i)).label[0],
        label=lambda i: [i, 0.5],
    ),
    "ImageDetIter": lambda: of_records(
        lambda f, i: next(mx.image.ImageDetIter(2, (3, 8, 8), path_imgrec=f, path_imgidx=i)).label[0].shape,
        label=lambda i: np.array([2, 5, 0, 0.1, 0.1, 0.6, 0.6, 1, 0.2, 0.2, 0.8, 0.8]),
    ),
    "ImageRecordDataset": lambda: of_records(lambda f, i: gluon.data.vision.ImageRecordDataset(f)[1][1]),
    "NDArrayIter": lambda: batches(mx.io.NDArrayIter(grid(10, 2), np.arange(10), np.int64(4))),
    "NDArrayIter, roll over": lambda: batches(mx.io.NDArrayIter(grid(10, 2), np.arange(10), 4, last_batch_handle="roll_over")),
    "NDArrayIter, discard": lambda: batches(mx.io.NDArrayIter({"a": grid(10, 2)}, np.arange(10), 4, last_batch_handle="discard")),
    "NDArrayIter, description": lambda: str(mx.io.NDArrayIter(grid(10, 2), np.arange(10), 4).provide_data[0].shape),
    "CSVIter": lambda: batches(
        mx.io.CSVIter(data_csv=text_file("1,2\n3,4\n5,6\n"), data_shape=(np.int64(2),), batch_size=np.int64(2))
    ),
    "LibSVMIter": lambda: next(
        mx.io.LibSVMIter(data_libsvm=text_file("1 0:1 2:3\n0 1:2\n"), data_shape=(np.int64(3),), batch_size=2)
    ).data[0].asnumpy(),
    "PrefetchingIter": lambda: len(list(mx.io.PrefetchingIter(mx.io.NDArrayIter(grid(10, 2), np.arange(10), 5)))),
    "ResizeIter": lambda: len(list(mx.io.ResizeIter(mx.io.NDArrayIter(grid(10, 2), np.arange(10), 5), np.int64(7)))),
    "BucketSentenceIter": lambda: [
        b.bucket_key for b in mx.rnn.BucketSentenceIter([[1, 2], [3, 4, 5]] * 4, 2, buckets=[2, 3], invalid_label=0)
    ].count(2),
    "buckets found": lambda: mx.rnn.BucketSentenceIter([[1, 2], [3, 4, 5]] * 4, 2, invalid_label=0).buckets,
    "resize_short": lambda: mx.image.resize_short(nd.array(PICTURE), np.int64(6)).shape,
    "imresize": lambda: mx.image.imresize(nd.array(PICTURE, dtype="uint8"), np.int64(8), np.int64(6)).shape,
    "fixed_crop": lambda: mx.image.fixed_crop(nd.array(PICTURE), np.int64(1), np.int64(2), np.int64(3), np.int64(4)),
    "center_crop": lambda: mx.image.center_crop(nd.array(PICTURE), tuple(np.array([4, 4])))[1],
    "random_size_crop": lambda: mx.image.random_size_crop(nd.array(PICTURE), (4, 4), (0.08, 1), (0.75, 1.25))[0].shape,
    "color_normalize": lambda: mx.image.color_normalize(nd.array(PICTURE), nd.array([1, 2, 3]), nd.array([2, 2, 2])).sum(),
    "copyMakeBorder": lambda: mx.image.copyMakeBorder(nd.array(PICTURE, dtype="uint8"), 1, np.int64(1), 1, 1).shape,
    "imrotate": lambda: mx.image.imrotate(nd.ones((3, 8, 8)), np.float64(20)).shape,
    "augmenters": lambda: augmented(
        mx.image.CreateAugmenter(
            (3, 8, 8), resize=10, rand_crop=True, rand_resize=True, rand_mirror=True, mean=True, std=True,
            brightness=0.1, contrast=0.1, saturation=0.1, hue=0.1, pca_noise=0.1, rand_gray=0.5, inter_method=10,
        )
    ),
    "augmenters by NumPy": lambda: augmented(
        mx.image.CreateAugmenter((3, 8, 8), resize=np.int64(10), mean=np.ones(3), std=np.ones(3), pca_noise=np.float64(0.1))
    ),
    "augmenters' dumps": lambda: len(mx.image.CreateAugmenter((3, 8, 8), mean=True, std=True)[-1].dumps()) > 20,
    "detection augmenters": detection,
    "Resize": lambda: transforms.Resize(tuple(np.array([8, 6])))(nd.array(PICTURE, dtype="uint8")).shape,
    "Resize by one": lambda: transforms.Resize(np.int64(6), keep_ratio=True)(nd.array(PICTURE, dtype="uint8")).shape,
    "Normalize": lambda: transforms.Normalize(tuple(np.array([0.5, 0.5, 0.5])), np.float64(0.5))(nd.ones((3, 2, 2))),
    "ToTensor": lambda: transforms.ToTensor()(nd.array(PICTURE, dtype="uint8")).shape,
    "CenterCrop": lambda: transforms.CenterCrop(np.int64(4))(nd.array(PICTURE, dtype="uint8")).shape,
    "RandomResizedCrop": lambda: transforms.RandomResizedCrop(np.int64(6))(nd.array(PICTURE, dtype="uint8")).shape,
    "Rotate": lambda: transforms.Rotate(np.float64(90))(nd.array(grid(1, 4, 4))).shape,
    "Cast": lambda: transforms.Cast("float16")(nd.array(PICTURE)).asnumpy().dtype.name,
    **{f"DataLoader, {workers} workers": lambda workers=workers: loaded(workers) for workers in (0, 1)},
    "DataLoader, threads": lambda: loaded(1, thread_pool=True),
    "datasets": lambda: _datasets(),
    "samplers": lambda: [len(b) for b in gluon.data.BatchSampler(gluon.data.RandomSampler(10), np.int64(4), "rollover")],
    **{f"gluoncv {name}": lambda name=name: gluoncv_presets(name) for name in ("ssd", "rcnn", "yolo", "center_net")},
    "gluoncv ssd, training": ssd_transform,
    "gluoncv yolo, training": yolo,
    "gluoncv center_net targets": center_net,
    "gluoncv ssd targets": ssd,
    "gluoncv boxes resized": lambda: gluoncv_box("resize", BOXES, (16, 12), (8, 6)),
    "gluoncv boxes flipped": lambda: gluoncv_box("flip", BOXES, (16, 12), flip_x=True),
    "gluoncv boxes cropped": lambda: gluoncv_box("crop", BOXES, (2, 2, 8, 8)),
    "gluoncv boxes moved": lambda: gluoncv_box("translate", BOXES, x_offset=np.int64(1)),
    "gluoncv detection metric": detection_metric,
    "gluoncv segmentation metric": segmentation_metric,
}  # fmt: skip


def _datasets():
    data = gluon.data.ArrayDataset(np.arange(10), np.arange(10))
    return len(data.shard(3, 0)), len(data.take(np.int64(4))), data.transform(lambda a, b: a + b)[3]
