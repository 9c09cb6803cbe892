from hand_made import copy_of, step, the_finding

from mx_notes.audit.rules import ERROR, NOTHING_TO_CHECK
from mx_notes.audit.rules.device_divergence import DeviceDivergence

START, OTHER = [1.0, -2.0], [1.0, -1.0]


def by_hand(first, second, devices=(0, 1)):
    """Two parameters of one shape, updated by hand after each device's own backward pass."""
    copies = [
        copy_of(f"variable {number}", values, device, backward=backward)
        for backward, (device, each) in enumerate(zip(devices, (first, second), strict=True), start=1)
        for number, values in enumerate(each)
    ]
    return step(*copies)


def test_copies_that_differ_after_the_update():
    finding = the_finding(
        DeviceDivergence(), step(copy_of("fc_weight", START, 0), copy_of("fc_weight", OTHER, 1))
    )
    assert finding.severity is ERROR
    assert "fc_weight differs between its 2 devices after the update, by 5.0e-01" in finding.text
    assert (
        "gradients are not summed over the devices (kvstore), or the copies began differently" in finding.text
    )


def test_the_third_of_three_devices():
    copies = [copy_of("fc_weight", values, d) for d, values in enumerate([START, START, OTHER])]
    assert "its 3 devices" in the_finding(DeviceDivergence(), step(*copies)).text


def test_equal_copies_are_right():
    copies = [copy_of("fc_weight", START, device) for device in range(3)]
    assert DeviceDivergence().on_step(step(*copies)) == []


def test_another_order_of_sums_may_differ_in_the_last_bits():
    copies = [copy_of("fc_weight", [1.0, value], device) for device, value in enumerate((-2.0, -2.00001))]
    assert DeviceDivergence().on_step(step(*copies)) == []
    copies[1] = copy_of("fc_weight", [1.0, -2.00004], 1)
    assert the_finding(DeviceDivergence(), step(*copies))


def test_copies_updated_by_hand_are_told_by_their_order():
    finding = the_finding(DeviceDivergence(), by_hand([START, OTHER], [START, START]))
    assert "variable 1 differs between its 2 devices" in finding.text
    assert DeviceDivergence().on_step(by_hand([START, OTHER], [START, OTHER])) == []


def test_parameters_of_other_shapes_are_no_copies():
    assert DeviceDivergence().on_step(by_hand([START], [[1.0, 2.0, 3.0]])) is NOTHING_TO_CHECK


def test_two_networks_on_one_device_are_no_copies():
    assert DeviceDivergence().on_step(by_hand([START], [OTHER], devices=(0, 0))) is NOTHING_TO_CHECK


def test_one_device_has_nothing_to_compare():
    assert DeviceDivergence().on_step(step(copy_of("a", START), copy_of("b", OTHER))) is NOTHING_TO_CHECK
    assert DeviceDivergence().on_step(step()) is NOTHING_TO_CHECK
