"""Account data as files: every format says the same, once per period, into folders that are allowed."""

import csv
import io
import json
import zipfile
from datetime import date, datetime, timedelta

import pytest
from openpyxl import load_workbook
from paramiko import ECDSAKey
from sqlalchemy import func, select

from app.core import clock, sheets
from app.core.db import db
from app.core.errors import InvalidInput
from app.exchange import columns, exports
from app.exchange.models import ExportProfile, ExportRun, Format, RunState, Schedule, What
from app.exchange.targets import TargetError, check_target
from app.system import documents
from app.system.job_runs import execute, run_now
from app.system.models import JobRun
from tests import factories as make
from tests.admin.staff import Desk, add_user
from tests.support.sftp import SftpServer

DAY = date(2026, 11, 2)


@pytest.fixture
def provider(app):
    tariff = make.tariff(name="=cmd|' /C calc'!A0")
    customer = make.customer(tariff, server=make.server(), company="+Evil; \"GmbH\"")
    return [make.license(customer, tariff, DAY) for _n in range(3)]


VALUES = {"name": "Accounts", "what": What.LICENSES, "chosen": ["license_id", "user_name", "enabled", "active_from", "services", "tariff", "customer"], "format": Format.CSV, "deleted_too": False,
          "schedule": Schedule.NEVER, "hour": 5, "target": "", "secret": None, "active": True}


def profile(**more):
    return exports.save_profile(None, **{**VALUES, **more})


def content(run):
    return documents.read(db.session.get(ExportRun, run.id, populate_existing=True).document)


def done(row):
    run = exports.start(row)
    execute(db.session.scalar(select(JobRun.id).order_by(JobRun.id.desc())))
    return db.session.get(ExportRun, run.id, populate_existing=True)


def test_csv_is_harmless_and_complete(provider):
    run = done(profile())
    assert (run.state, run.rows) == (RunState.DONE, 3) and run.file_name.startswith("Accounts-") and run.file_name.endswith(".csv")
    rows = list(csv.reader(io.StringIO(content(run).decode("utf-8-sig")), delimiter=";"))
    assert rows[0] == ["license_id", "user_name", "enabled", "active_from", "services", "tariff", "customer"]
    assert [row[0] for row in rows[1:]] == [str(license.id) for license in provider]
    assert rows[1][2:] == ["True", "2026-11-02", "", "'=cmd|' /C calc'!A0", "'+Evil; \"GmbH\""]


def test_xlsx_and_json_say_the_same(provider):
    sheet = load_workbook(io.BytesIO(content(done(profile(format=Format.XLSX))))).active
    assert [cell.value for cell in sheet[1]][:2] == ["license_id", "user_name"] and sheet.max_row == 4 and sheet.cell(2, 6).value == "=cmd|' /C calc'!A0" and sheet.cell(2, 6).data_type == "s"
    found = json.loads(content(done(profile(name="J", format=Format.JSON))))
    assert [row["license_id"] for row in found] == [license.id for license in provider] and found[0]["enabled"] is True and found[0]["customer"] == "+Evil; \"GmbH\""


def test_customers_and_every_column(provider):
    for what in What:
        names = list(columns.COLUMNS[what])
        rows = list(columns.rows(db.session(), what, names))
        assert rows and all(len(row) == len(names) for row in rows)
    with pytest.raises(KeyError):
        next(columns.rows(db.session(), What.LICENSES, ["password"]))


def test_pages_of_rows_meet(provider, monkeypatch):
    monkeypatch.setattr(columns, "AT_ONCE", 2)
    assert [row[0] for row in columns.rows(db.session(), What.LICENSES, ["license_id"])] == [license.id for license in provider]


@pytest.mark.parametrize("wrong", [{"chosen": []}, {"chosen": ["password"]}, {"name": " "}, {"hour": 24}, {"target": "http://example.org"}, {"target": "file:///etc"}, {"target": "sftp://user:secret@host/x"},
                                   {"target": "sftp:///x"}, {"target": "/tmp"}])
def test_a_wrong_profile_is_refused(app, wrong):
    with pytest.raises(InvalidInput):
        profile(**wrong)
    assert db.session.scalar(select(func.count()).select_from(ExportProfile)) == 0


def test_the_clock_writes_each_period_once_into_the_folder(app, provider, tmp_path):
    app.config["EXPORT_FOLDER"] = str(tmp_path)
    row = profile(schedule=Schedule.DAILY, hour=5, target=f"file://{tmp_path}/out")
    with pytest.raises(InvalidInput, match="EXPORT_FOLDER"):
        check_target(f"file://{tmp_path}/../other")

    def hour(day, hour):
        with clock.frozen(datetime(2026, 11, day, hour, 1, tzinfo=clock.zone())):
            return run_now("exchange.scheduled").counts

    assert hour(3, 6) == {"files": 1, "rows": 3} and hour(3, 7) == {} and hour(4, 4) == {} and hour(4, 5) == {"files": 1, "rows": 3}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Accounts-2026-11-03.csv", "Accounts-2026-11-04.csv"]
    assert exports.due_period(row, datetime(2026, 11, 5, 3, 0, tzinfo=clock.zone())) == "2026-11-04"
    row.schedule = Schedule.WEEKLY
    assert exports.due_period(row, datetime(2026, 11, 5, 9, 0, tzinfo=clock.zone())) == "2026-11-02"
    row.schedule = Schedule.MONTHLY
    assert exports.due_period(row, datetime(2026, 11, 5, 9, 0, tzinfo=clock.zone())) == "2026-11-01"


def test_a_folder_that_cannot_be_written_is_told_and_tried_again(app, provider, tmp_path):
    app.config["EXPORT_FOLDER"] = str(tmp_path)
    (tmp_path / "out").write_text("a file, no folder")
    row = profile(schedule=Schedule.DAILY, hour=0, target=f"file://{tmp_path}/out")
    run_now("exchange.scheduled")
    run = db.session.scalars(select(ExportRun)).one()
    assert run.state is RunState.FAILED and "cannot be written" in run.error
    (tmp_path / "out").unlink()
    with clock.frozen(clock.now() + timedelta(hours=1)):
        run_now("exchange.scheduled")
    assert db.session.get(ExportRun, run.id, populate_existing=True).state is RunState.DONE and row.id
    assert exports.perform(run.id).attempts == 2
    assert issubclass(TargetError, Exception)


@pytest.mark.sqlite_only
def test_over_sftp_only_to_a_server_whose_key_is_known(app, provider, tmp_path):
    (tmp_path / "root").mkdir()
    known = tmp_path / "known_hosts"
    app.config["EXPORT_KNOWN_HOSTS"] = str(known)
    with SftpServer(tmp_path / "root") as server:
        row = profile(target=f"sftp://ptt@127.0.0.1:{server.port}/in/erp", secret="s3cret")

        def again(state=RunState.FAILED):
            run = done(row)
            assert run.state is state, run.error
            return run.error

        assert "SHA256:" in again() and not server.transports[-1].is_authenticated()       # the password did not leave
        known.write_text(server.known_host.replace(server.key.get_base64(), ECDSAKey.generate().get_base64()))
        assert "another key" in again()
        known.write_text(server.known_host)
        again(RunState.DONE)
        again(RunState.DONE)
        files = list((tmp_path / "root" / "in" / "erp").iterdir())
        assert len(files) == 2 and all(file.name.startswith("Accounts-") and file.read_bytes().startswith(b"\xef\xbb\xbflicense_id") for file in files)
        exports.save_profile(row, **{**VALUES, "target": row.target, "secret": "wrong"})
        assert "AuthenticationException" in again()


@pytest.mark.sqlite_only
def test_into_a_bucket(app, provider, monkeypatch):
    import boto3
    from moto import server as moto_server

    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        app.config["EXPORT_S3_ENDPOINT"] = endpoint
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        bucket = boto3.client("s3", endpoint_url=endpoint, aws_access_key_id="ptt", aws_secret_access_key="s3cret")
        bucket.create_bucket(Bucket="accounts")
        assert done(profile(target="s3://ptt@accounts/erp", secret="s3cret")).state is RunState.DONE
        (found,) = bucket.list_objects_v2(Bucket="accounts")["Contents"]
        assert found["Key"].startswith("erp/Accounts-") and found["Key"].endswith(".csv") and found["Size"] > 100
        run = done(profile(name="Nowhere", target="s3://ptt@missing/erp", secret="s3cret"))
        assert run.state is RunState.FAILED and "cannot be written" in run.error
    finally:
        server.stop()


def test_sheets_are_written_in_blocks():
    blocks = list(sheets.csv_lines([n, f"@{n}"] for n in range(1200)))
    assert len(blocks) == 3 and b"".join(blocks).decode("utf-8-sig").splitlines()[-1] == "1199;'@1199"
    assert zipfile.is_zipfile(io.BytesIO(sheets.xlsx_bytes("a/b[c]", ["x"], [[date(2026, 1, 1)], [None], [True]])))


def test_pages(app, provider):
    add_user(app, "sue", "Support")
    desk = Desk(app, "sue")
    form = desk.get("/admin/exports/add")
    assert form.status_code == 200 and "user_name" in form.text
    answer = desk.post("/admin/exports/add", {"name": "For ERP", "what": "licenses", "columns": ["license_id", "user_name"], "format": "json", "schedule": "never", "hour": "5", "active": "y", "secret": "s3cret"})
    assert answer.status_code == 303, answer.text[-2500:]
    row = db.session.scalars(select(ExportProfile)).one()
    assert row.columns == ["license_id", "user_name"] and str(row.secret) == "s3cret"
    assert "s3cret" not in desk.get(f"/admin/exports/edit/{row.id}").text + desk.get(f"/admin/exports/show/{row.id}").text
    assert desk.post(f"/admin/exports/action/export_now/{row.id}").status_code == 303
    execute(db.session.scalar(select(JobRun.id).order_by(JobRun.id.desc())))
    run = db.session.scalars(select(ExportRun)).one()
    file = desk.get(f"/admin/export-files/download/{run.id}")
    assert len(json.loads(file.data)) == 3 and "attachment" in file.headers["Content-Disposition"]
    assert desk.get("/admin/export-files/list/").status_code == 200
    add_user(app, "leo", "Read only")
    assert Desk(app, "leo").post(f"/admin/exports/action/export_now/{row.id}").status_code == 403
