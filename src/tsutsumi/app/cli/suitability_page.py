"""What `tsutsumi suitability` shows (適合性の表示): a result, the record in a house, its history, retakes, the check of all."""

from tsutsumi.core.suitability import Assessment, Judgement, percent, words_of
from tsutsumi.run.suitability_book import Entry, Recorded, Retakes
from tsutsumi.run.suitability_models import Checked, Holding, Recheck
from tsutsumi.store.assessment_rows import Kept

MOST_SHOWN = 50
MORE = "  ほか {:,} 件は --json に。 {:,} more: --json."


# ---- one result


def record(of: Assessment, judged: tuple[Judgement, ...]) -> dict:
    """Return an assessment as JSON content (判定の記録), its trace adding up to the points."""
    return {
        "questionnaire_id": of.questionnaire.questionnaire_id, "valid_from_date": str(of.questionnaire.valid_from_date),
        "points": of.points, "score_points": dict(of.score_points), "score_classes": dict(of.score_classes),
        "class_before_caps": of.class_before_caps, "class": of.class_id, "most_risk_ppm": of.most_risk_ppm,
        "steps": [{"question": step.question.question_id, "asked": step.asked, "answer": step.answer, "score": step.score,
                   "points": step.points, "why_ja": step.why_ja, "why_en": step.why_en} for step in of.steps],
        "caps": [{"id": cap.rule_id, "class": cap.class_id, "lowered": cap.lowered, "why_ja": cap.why_ja, "why_en": cap.why_en}
                 for cap in of.caps],
        "flags": [{"id": name, "why_ja": ja, "why_en": en} for name, ja, en in of.flags],
        "models": [_judged(one) for one in judged],
    }


def _judged(one: Judgement) -> dict:
    return {"model_id": one.model.model_id, "name": one.model.name, "risk_ppm": one.model.risk_ppm, "permitted": one.permitted,
            "why_ja": one.why_ja, "why_en": one.why_en}


def lines(of: Assessment, judged: tuple[Judgement, ...]) -> list[str]:
    """Return an assessment as lines of text (判定書), Japanese first."""
    text = [f"{of.questionnaire.title_ja} {of.questionnaire.title_en}", ""]
    for step in of.steps:
        answer = _both(step.answer_ja, step.answer_en)
        text += [f"{step.question.ja} {step.question.en}", f"    {answer}: {step.why_ja} {step.why_en}"]
    for score, points in of.score_points.items():
        text.append(f"{' '.join(words_of(score))}: {points} 点 points → {_class(of, of.score_classes[score])}")
    text += [f"上限 cap {_class(of, cap.class_id)}: {cap.why_ja} {cap.why_en}" for cap in of.caps]
    text += [f"確認 ask again: {ja} {en}" for _, ja, en in of.flags]
    text.append(f"結果 result: {of.result.ja} {of.result.en}、年率リスクの上限 risk a year at most {percent(of.most_risk_ppm)}")
    return text + [_model_line(one) for one in judged]


def _class(of: Assessment, class_id: str) -> str:
    """Return a class of the questionnaire in both languages."""
    return next(_both(one.ja, one.en) for one in of.questionnaire.classes if one.class_id == class_id)


def _both(ja: str, en: str) -> str:
    """Return a text in both languages, once where it is the same."""
    return ja if ja == en else f"{ja} {en}"


def _model_line(one: Judgement) -> str:
    return f"  {'○' if one.permitted else '×'} {one.model.model_id}: {one.why_ja} {one.why_en}"


# ---- recorded in a house


def recorded_content(of: Recorded) -> dict:
    """Return a recorded assessment as JSON content (登録結果)."""
    raised = _lower(of.raised, of.kept) if of.raised else None
    told = {"new": of.new, "contract_id": of.contract_id} | _kept(of.kept) | record(of.assessment, of.judged)
    return told | {"raised_from": raised}


def recorded_lines(of: Recorded) -> list[str]:
    """Return a recorded assessment as lines of text (登録結果)."""
    kept = of.kept
    if of.new:
        what = f"判定 {kept.assessment_no} を記録しました recorded"
    else:
        what = f"同じ判定が記録済みで、何も変わりません recorded already, nothing changed（{kept.assessment_no}）"
    limit = f"{kept.limit_from_date} から年率リスク {percent(kept.most_risk_ppm)} まで at most from that day on"
    text = [*lines(of.assessment, of.judged), "", f"契約 contract {of.contract_id}: {what}、{limit}"]
    return text + ([_raised_line(kept, of.raised)] if of.raised else [])


def _kept(kept: Kept) -> dict:
    return {"assessment_no": kept.assessment_no, "date": str(kept.date), "limit_from_date": str(kept.limit_from_date),
            "made_by": kept.made_by, "recorded_at": kept.recorded_at}


def history_content(contract_id: str, entries: list[Entry]) -> dict:
    """Return the history of a contract as JSON content (判定の履歴)."""
    rows, before = [], None
    for one in entries:
        raised = _lower(one.raised, one.kept) if one.raised else None
        moved = None if before is None else one.kept.most_risk_ppm - before
        rows.append(
            _kept(one.kept) | record(one.assessment, ()) | _result(one.kept)
            | {"intact": one.intact, "moved_ppm": moved, "changes": [vars(change) for change in one.changes], "raised_from": raised}
        )
        before = one.kept.most_risk_ppm
        del rows[-1]["models"]
    return {"contract_id": contract_id, "flagged": sum(one.raised is not None for one in entries), "assessments": rows}


def _result(kept: Kept) -> dict:
    """Return the result as it was recorded."""
    return {"points": kept.points, "class": kept.class_id, "most_risk_ppm": kept.most_risk_ppm}


def _lower(low: Kept, kept: Kept) -> dict:
    """Return the lower result that a retake raised."""
    return _kept(low) | _result(low) | {"days": (kept.date - low.date).days}


def history_lines(contract_id: str, entries: list[Entry]) -> list[str]:
    """Return the history of a contract as lines of text (判定の履歴)."""
    if not entries:
        return [f"契約 contract {contract_id}: 判定の記録はありません no assessment is recorded"]
    text, before = [f"契約 contract {contract_id}: 判定 assessments {len(entries)}"], None
    for one in entries:
        kept = one.kept
        moved = "" if before is None or before == kept.most_risk_ppm else f"（{percent(before)} → {percent(kept.most_risk_ppm)}）"
        result, since = one.assessment.result, f"{kept.limit_from_date} から since"
        text += ["", f"{kept.date} {_both(result.ja, result.en)}、{kept.points} 点 points、担当 by {kept.made_by}",
                 f"    年率リスクの上限 risk a year at most {percent(kept.most_risk_ppm)}{moved}、{since}"]
        for change in one.changes:
            answers = f"{_both(change.before_ja, change.before_en)} → {_both(change.after_ja, change.after_en)}"
            text += [f"    {change.text_ja} {change.text_en}",
                     f"      {answers}（{change.before_points} → {change.after_points} 点 points）"]
        text += [f"    確認 ask again: {ja} {en}" for _, ja, en in one.assessment.flags]
        if one.raised:
            text.append(f"    {_raised_line(kept, one.raised)}")
        if not one.intact:
            text.append("    ！ 記録と回答が合いません the answers do not give the recorded result: compare with a backup")
        before = kept.most_risk_ppm
    return text


def _raised_line(kept: Kept, low: Kept) -> str:
    return f"！ やり直しで上がりました raised by a retake: {_since_lowest(kept, low)}"


def _since_lowest(kept: Kept, low: Kept) -> str:
    days = (kept.date - low.date).days
    return f"{low.date} {percent(low.most_risk_ppm)}（{low.made_by}）→ {percent(kept.most_risk_ppm)}、{days} 日後 days later"


# ---- over all contracts


def retakes_content(of: Retakes) -> dict:
    """Return the retakes of a house as JSON content (やり直しの一覧)."""
    return {
        "contracts": of.contracts,
        "again": [{"contract_id": name, "assessments": count} for name, count in of.again],
        "flagged": [{"contract_id": one.contract_id} | _kept(one.kept) | _result(one.kept)
                    | {"raised_from": _lower(one.lowest, one.kept)} for one in of.raised],
        "advisers": [vars(one) for one in of.advisers],
    }


def retakes_lines(of: Retakes) -> list[str]:
    """Return the retakes of a house as lines of text (やり直しの一覧)."""
    text = [f"判定のある契約 contracts assessed {of.contracts:,}、やり直した契約 assessed again {len(of.again):,}、",
            f"やり直しで上がった判定 raised by a retake {len(of.raised):,}"]
    for one in of.raised[:MOST_SHOWN]:
        text.append(f"  ！ {one.contract_id} {one.kept.date} 担当 by {one.kept.made_by}: {_since_lowest(one.kept, one.lowest)}")
    text += _more(len(of.raised))
    if of.advisers:
        text += ["", "担当者別 by adviser: 判定 assessments / やり直し retakes / 上がった raised"]
    text += [f"  {one.made_by}: {one.assessments:,} / {one.retakes:,} / {one.raised:,}" for one in of.advisers]
    return text


def recheck_content(of: Recheck) -> dict:
    """Return the check of a house as JSON content (全契約の点検)."""
    return {
        "date": str(of.date), "checked_count": len(of.contracts), "violation_count": sum(len(one.beyond) for one in of.beyond),
        "violations": [
            {"contract_id": one.contract_id, "most_risk_ppm": one.most_risk_ppm, "sleeve_ids": list(held.sleeve_ids)}
            | _judged(held.judgement) for one in of.beyond for held in one.beyond
        ],
        "untold_count": sum(len(one.untold) for one in of.untold),
        "untold": [
            {"contract_id": one.contract_id, "most_risk_ppm": one.most_risk_ppm, "sleeve_ids": list(held.sleeve_ids)}
            | _held(held.judgement) for one in of.untold for held in one.untold
        ],
        "contracts": [_checked(one) for one in of.contracts], "without_limit": list(of.without_limit),
    }


def _checked(one: Checked) -> dict:
    return {
        "contract_id": one.contract_id, "most_risk_ppm": one.most_risk_ppm, "since_date": str(one.since), "source": one.source,
        "models": [_held(held.judgement) | {"sleeve_ids": list(held.sleeve_ids)} for held in one.holdings],
    }


def _held(one: Judgement) -> dict:
    """Return a model that a contract has; without a stated risk nobody can tell whether it is permitted."""
    return _judged(one) | ({"permitted": None} if one.model.risk_ppm is None else {})


def recheck_lines(of: Recheck) -> list[str]:
    """Return the check of a house as lines of text (全契約の点検)."""
    text = [f"{of.date} の締めで at the close: 点検した契約 contracts checked {len(of.contracts):,}、",
            f"超えている契約 beyond the limit {len(of.beyond):,}、上限のない契約 without a limit {len(of.without_limit):,}、",
            f"リスクの登録がないモデルのある契約 with a model of no stated risk {len(of.untold):,}"]
    for one in of.beyond[:MOST_SHOWN]:
        text.append(f"契約 contract {one.contract_id}: 上限 at most {percent(one.most_risk_ppm)}（{one.since} から since）")
        text += [_held_line(held) for held in one.holdings]
    text += _more(len(of.beyond))
    if of.beyond:
        text.append("モデルを変えるか、適合性を確かめ直してください。 Change the model, or assess the customer anew.")
    for one in of.untold[:MOST_SHOWN]:
        text.append(f"判定できない契約 not told, contract {one.contract_id}: 上限 at most {percent(one.most_risk_ppm)}")
        text += [_held_line(held) for held in one.untold]
    return text + _more(len(of.untold))


def _held_line(held: Holding) -> str:
    line = _model_line(held.judgement)
    line = line.replace("×", "？", 1) if held.judgement.model.risk_ppm is None else line
    return f"{line}（{'、'.join(held.sleeve_ids)}）"


def _more(count: int) -> list[str]:
    return [MORE.format(count - MOST_SHOWN, count - MOST_SHOWN)] if count > MOST_SHOWN else []
