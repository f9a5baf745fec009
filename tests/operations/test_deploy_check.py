"""`flask ptt check --deploy`: says what a productive installation lacks, and ends with 1 when it must not start."""

from app.admin.deploy_check import CHECKS, findings


def test_each_topic_is_looked_at_and_a_test_installation_is_not_ready(app):
    found = findings(network=False)
    assert {"environment", "database", "redis", "clock", "folders", "secrets"} <= set(CHECKS)
    errors = [str(item) for item in found if item.level == "error"]
    assert errors and all(item.level in ("error", "warning") for item in found)
    assert app.config["SECRET_KEY"] not in " ".join(map(str, found))


def test_the_command(app):
    done = app.test_cli_runner().invoke(args=["ptt", "check", "--deploy", "--no-network"])
    assert done.exit_code == 1 and "topics checked" in done.output, done.output
    assert app.test_cli_runner().invoke(args=["ptt", "check"]).exit_code == 2


def test_keys_are_rotated(app):
    from tests import factories as make

    server = make.server()
    assert app.test_cli_runner().invoke(args=["ptt", "rotate-keys"]).exit_code == 0
    assert server.id
