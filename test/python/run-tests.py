"""Runs CPython's own tests and writes the result of each test. Arguments: RESULTS NAME…

An outcome is ok, skipped, failure, error, expected failure or unexpected success. Its key is the test's id.
"""

import json
import sys
import unittest

import test.support

results, names = sys.argv[1], sys.argv[2:]


class Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.outcomes = {}
        self.reasons = {}

    def note(self, test, outcome, reason=""):
        # The first failure of a subtest is the result of the whole test.
        name = test.test_case.id() if isinstance(test, unittest.case._SubTest) else test.id()
        if self.outcomes.get(name, "ok") == "ok":
            self.outcomes[name] = outcome
            self.reasons[name] = reason

    def addSuccess(self, test):
        self.note(test, "ok")

    def addSkip(self, test, reason):
        self.note(test, "skipped", reason)

    def addFailure(self, test, error):
        self.note(test, "failure", self._exc_info_to_string(error, test))

    def addError(self, test, error):
        self.note(test, "error", self._exc_info_to_string(error, test))

    def addSubTest(self, test, subtest, error):
        if error is not None:
            (self.addFailure if issubclass(error[0], test.failureException) else self.addError)(subtest, error)

    def addExpectedFailure(self, test, error):
        self.note(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        self.note(test, "unexpected success")


# The tests must not use the network, large files or much processor time.
test.support.use_resources = []
test.support.verbose = False
result = Result()
unittest.defaultTestLoader.loadTestsFromNames(names).run(result)
with open(results, "w") as file:
    json.dump({"outcomes": result.outcomes, "reasons": result.reasons}, file)
