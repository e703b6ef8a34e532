"""`tsutsumi suitability`: which risk suits a customer and why, without a house; recorded, followed and checked in one."""

import csv
import json as json_text
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tsutsumi.app.cli.failure import DONE, FELL_SHORT, told
from tsutsumi.app.cli.screen import fitted
from tsutsumi.app.cli.suitability_page import (
    history_content,
    history_lines,
    lines,
    recheck_content,
    recheck_lines,
    record,
    recorded_content,
    recorded_lines,
    retakes_content,
    retakes_lines,
)
from tsutsumi.core.questionnaire import QuestionnaireError
from tsutsumi.core.questionnaire_file import parse_answers, parse_questionnaire
from tsutsumi.core.suitability import ModelRisk, assess, judge
from tsutsumi.core.units import PPM
from tsutsumi.run import clock
from tsutsumi.run.suitability_book import history, record_assessment, retakes
from tsutsumi.run.suitability_models import recheck
from tsutsumi.store.database import House, HouseError, open_house

Flag = Annotated[bool, Parameter(negative=())]
MOST_RISK_PPM = 10 * PPM


def suitability(
    target: Path, answers: Path | None = None, *, models: Path | None = None, contract: str = "", questionnaire: str = "",
    by: str = "", approved_by: str = "", retakes: Flag = False, recheck: Flag = False, json: Flag = False,
) -> int:
    """Assess answers to a questionnaire (適合性・リスク許容度の判定): points, class, most risk, the models within it, and why.

    Example: `tsutsumi suitability risk-tolerance.toml answers.toml --models models.csv`

    In a house: `tsutsumi suitability my-house --contract K1 --answers answers.toml --questionnaire risk-tolerance.toml --by yamada`
    records the assessment and sets the contract's limit from the next day on; `--contract K1` alone shows its history,
    `--retakes` the results that a retake raised, `--recheck` the models beyond the limits (exit code 1 if there are any).
    See docs/rules/suitability.md.

    Parameters
    ----------
    target
        The questionnaire, TOML (a ready one: examples/suitability), or the folder of a house.
    answers
        The answers, TOML: [answers] and a line for each question.
    models
        Without a house: models, CSV with model_id, risk_ppm and, where wanted, name.
    contract
        A contract_id of the house: its history, or with --answers a new assessment.
    questionnaire
        Its file, which is stored if its version is new, or the id of a stored one; without it, the one that the answers name.
    by
        Who assessed.
    approved_by
        Who approved a new version of the questionnaire.
    retakes
        All contracts assessed again, the results that this raised, and the same by adviser.
    recheck
        Every contract's models at the last closed day against its limit.
    json
        Print the result as JSON.
    """
    try:
        if not (target.is_dir() or contract or questionnaire or by or approved_by or retakes or recheck):
            return _without_house(target, answers, models, json)
        _one_use(answers, models, contract, retakes, recheck, bool(questionnaire or by or approved_by))
        house = open_house(target)
        if retakes or recheck:
            return _over_all(house, recheck, json)
        if answers is None:
            entries = history(house, contract)
            return _print(history_content(contract, entries), history_lines(contract, entries), json)
        content, stored = _named(questionnaire)
        found = record_assessment(house, contract, _read(answers), by, clock.now(), content, stored, approved_by)
        return _print(recorded_content(found), recorded_lines(found), json)
    except (QuestionnaireError, HouseError) as error:
        return told("suitability", error, json)


def _without_house(questionnaire: Path, answers: Path | None, models: Path | None, json: bool) -> int:
    if answers is None:
        raise HouseError("the answers are missing: name their file after the questionnaire, or the folder of a house")
    asked = parse_questionnaire(_read(questionnaire))
    given, named, _ = parse_answers(_read(answers))
    if named not in ("", asked.questionnaire_id):
        cure = "name the file that was answered"
        raise QuestionnaireError(f"answers: they are to {named}, the questionnaire is {asked.questionnaire_id}; {cure}")
    found = assess(asked, given)
    judged = judge(_models(models) if models else [], found.most_risk_ppm)
    return _print(record(found, judged), lines(found, judged), json)


def _one_use(answers: Path | None, models: Path | None, contract: str, retakes: bool, recheck: bool, of_record: bool) -> None:
    """Refuse options of a house that do not belong together."""
    if sum((bool(contract), retakes, recheck)) != 1:
        raise HouseError("--contract, --retakes and --recheck: give one of them with the folder of a house")
    if models:
        raise HouseError("--models belongs to a questionnaire and answers without a house: a house has model_assumptions")
    if not contract and answers:
        raise HouseError("--answers belongs to --contract CONTRACT: name the contract that was assessed")
    if answers is None and of_record:
        raise HouseError("--questionnaire, --by and --approved-by belong to --answers FILE: name the file of the answers")


def _over_all(house: House, check: bool, json: bool) -> int:
    if check:
        found = recheck(house)
        _print(recheck_content(found), recheck_lines(found), json)
        return FELL_SHORT if found.beyond else DONE
    found = retakes(house)
    return _print(retakes_content(found), retakes_lines(found), json)


def _print(value: dict, text: list[str], json: bool) -> int:
    print(json_text.dumps(value, ensure_ascii=False, indent=2) if json else "\n".join(fitted(text)))
    return DONE


def _named(questionnaire: str) -> tuple[str, str]:
    """Return the content of a questionnaire's file, or the id of a stored one."""
    path = Path(questionnaire)
    if questionnaire and (path.is_file() or path.suffix == ".toml" or len(path.parts) > 1):
        return _read(path), ""
    return "", questionnaire


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise QuestionnaireError(f"{str(path)!r} cannot be read: {reason}; check the path and save the file as UTF-8") from None


def _models(path: Path) -> list[ModelRisk]:
    rows = enumerate(csv.reader(_read(path).splitlines()), 1)
    header = [name.strip() for name in next(rows, (1, []))[1]]
    missing = [name for name in ("model_id", "risk_ppm") if name not in header]
    if missing:
        raise QuestionnaireError(f"models, line 1: the header has no {missing[0]}; write model_id,name,risk_ppm")
    found: dict[str, ModelRisk] = {}
    for n, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        row = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        given, risk = row.get("model_id", ""), row.get("risk_ppm", "")
        known = not risk or (risk.isascii() and risk.isdigit() and len(risk) <= 9 and int(risk) <= MOST_RISK_PPM)
        if len(cells) != len(header) or not given or not known:
            raise QuestionnaireError(f"models, line {n}: model_id or risk_ppm cannot be read; write them like growth,成長,165000")
        if given in found:
            raise QuestionnaireError(f"models, line {n}: model {given[:64]} stands twice; name each model once")
        found[given] = ModelRisk(given, row.get("name", ""), int(risk) if risk else None)
    return list(found.values())
