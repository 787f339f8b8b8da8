import pytest


@pytest.fixture
def pair():
    return 2, 3


@pytest.mark.parametrize("factor", [1, 2])
def test_product(pair, factor):
    assert pair[0] * pair[1] * factor == 6 * factor


def test_output(capsys, tmp_path):
    (tmp_path / "file").write_text("x")
    print((tmp_path / "file").read_text())
    assert capsys.readouterr().out == "x\n"


@pytest.mark.xfail(strict=True)
def test_that_fails():
    assert [1, 2] == [1, 3]
