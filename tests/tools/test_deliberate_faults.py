"""The faults that tools/deliberate_faults.py makes are edits of today's library."""

import pytest

from deliberate_faults import FAULTS, ROOT


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_fault_can_be_made_and_its_tests_exist(fault):
    source = (ROOT / "qlac_lite" / fault.file).read_text()
    assert source.count(fault.old) == 1
    compile(source.replace(fault.old, fault.new), fault.file, "exec")
    assert all((ROOT / path).is_file() for path in fault.tests)
