import pytest

from mx_notes.errors import UserError, at_least_one, nearest

KNOWN = ("digits", "fashion-mnist", "cifar10")


@pytest.mark.parametrize(
    ("word", "hint"),
    [
        ("digit", "did you mean digits?"),
        ("cifar-10", "did you mean cifar10?"),
        ("nosuch", "expected one of digits, fashion-mnist, cifar10"),
        ("", "expected one of digits, fashion-mnist, cifar10"),
    ],
)
def test_a_hint_is_given_only_where_a_known_word_is_like_it(word, hint):
    assert nearest(word, KNOWN) == hint


def test_the_words_for_none_like_it_can_be_chosen():
    assert (
        nearest("nosuch", KNOWN, otherwise="`mx-notes models` lists them") == "`mx-notes models` lists them"
    )


def test_a_number_below_one_is_named_with_its_setting():
    at_least_one("--keep 1", 1)
    with pytest.raises(UserError, match=r"^--keep 0: expected a whole number of at least 1$"):
        at_least_one("--keep 0", 0)
