"""What every bank must do: inherit the class and say how to open yours, and the tests run for it."""

import numpy as np

from tests.ports.frames import same
from tsutsumi.ports import BankDebit


class BankBody:
    """Inherit and define `open`."""

    def open(self, **options) -> BankDebit:
        raise NotImplementedError

    def test_an_answer_has_the_rows_of_the_question_and_stays_the_same(self):
        due = {"sleeve_no": np.array([5, 3, 9], np.int32), "amount_yen": np.array([10_000, 20_000, 30_000], np.int64)}
        answer = self.open().collect(20_593, due)
        assert list(answer) == ["sleeve_no", "amount_yen", "ok"] and answer["ok"].dtype == np.int8
        assert answer["sleeve_no"].tolist() == [5, 3, 9] and answer["amount_yen"].tolist() == [10_000, 20_000, 30_000]
        assert set(answer["ok"].tolist()) <= {0, 1}
        assert same(answer, self.open().collect(20_593, due))

    def test_nothing_due_is_an_empty_answer(self):
        assert [len(values) for values in self.open().collect(20_593, {}).values()] == [0, 0, 0]
