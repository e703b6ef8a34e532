"""Models against the limits of suitability (モデルの適合性): those on offer to a contract, and those in force in a whole house."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date as Date

from sqlalchemy import Connection, select

from tsutsumi.core.suitability import Assessment, Judgement, ModelRisk, judge
from tsutsumi.run.history import ids_of, rows_of
from tsutsumi.store.database import House, HouseError, reading
from tsutsumi.store.day_tables import load_books
from tsutsumi.store.manifest import last_day
from tsutsumi.store.tables import contracts, model_assumptions, models, program_models

TABLES = ("models", "model_assumptions", "contract_limits", "contracts", "sleeves")


@dataclass(frozen=True)
class Holding:
    """A model that a contract has (契約のモデル): in which sleeves, and whether it suits and why."""

    sleeve_ids: tuple[str, ...]
    judgement: Judgement


@dataclass(frozen=True)
class Checked:
    """One contract against its limit (契約の点検): the limit in force with its first day and source, and every model of it."""

    contract_id: str
    most_risk_ppm: int
    since: Date
    source: str
    holdings: tuple[Holding, ...]

    @property
    def beyond(self) -> tuple[Holding, ...]:
        """The models that do not suit: their risk is above the limit."""
        return tuple(one for one in self.holdings if not one.judgement.permitted and one.judgement.model.risk_ppm is not None)

    @property
    def untold(self) -> tuple[Holding, ...]:
        """The models whose risk nobody has stated: whether they suit cannot be told."""
        return tuple(one for one in self.holdings if one.judgement.model.risk_ppm is None)


@dataclass(frozen=True)
class Recheck:
    """A house against its limits at the end of a closed day (全契約の点検), and the contracts without any limit."""

    date: Date
    contracts: tuple[Checked, ...]
    without_limit: tuple[str, ...]

    @property
    def beyond(self) -> tuple[Checked, ...]:
        """The contracts with a model that does not suit."""
        return tuple(one for one in self.contracts if one.beyond)

    @property
    def untold(self) -> tuple[Checked, ...]:
        """The contracts with a model whose risk nobody has stated."""
        return tuple(one for one in self.contracts if one.untold)


def in_force(rows: Iterable[Mapping], day: Date, key: str) -> dict[int, Mapping]:
    """Return the row in force of each number (適用中の行): its latest valid_from_date not after the day.

    >>> rows = [{"n": 1, "valid_from_date": Date(2026, 1, day), "ppm": day} for day in (3, 1, 9)]
    >>> in_force(rows, Date(2026, 1, 8), "n")[1]["ppm"], in_force(rows, Date(2025, 1, 1), "n")
    (3, {})
    """
    found: dict[int, Mapping] = {}
    for row in rows:
        known = found.get(row[key])
        if row["valid_from_date"] <= day and (known is None or known["valid_from_date"] < row["valid_from_date"]):
            found[row[key]] = row
    return found


def judged_offer(connection: Connection, contract_no: int, day: Date, found: Assessment) -> tuple[Judgement, ...]:
    """Return the models on offer to a contract on a day against a result (提示モデルの可否), by risk."""
    program = connection.execute(select(contracts.c.program_no).where(contracts.c.contract_no == contract_no)).scalar_one()
    rows = connection.execute(select(program_models).where(program_models.c.program_no == program)).mappings()
    offered = {number for number, row in in_force(rows, day, "model_no").items() if row["offered"]}
    assumed = in_force(connection.execute(select(model_assumptions)).mappings(), day, "model_no")
    of = [ModelRisk(row.model_id, row.name, _risk(assumed, row.model_no))
          for row in connection.execute(select(models)) if row.model_no in offered]
    return judge(sorted(of, key=_by_risk), found.most_risk_ppm)


def recheck(house: House) -> Recheck:
    """Return every contract's models of the last closed day against its limit of that day (全契約の適合性の点検).

    Models of open sleeves that are not closing; limits and risks (model_assumptions) in force on that day. As in the close, only
    a stated risk above the limit is beyond it; a model whose risk nobody has stated is told apart.

    Raises
    ------
    HouseError
        No day is closed yet.
    """
    with reading(house) as connection:
        day = last_day(connection)
    if day is None:
        raise HouseError(f"{house.folder}: no day is closed yet: close days first (tsutsumi close HOUSE --through DATE)")
    rows = rows_of(house, *TABLES)
    ids, limits = ids_of(rows), in_force(rows["contract_limits"], day, "contract_no")
    risks = in_force(rows["model_assumptions"], day, "model_no")
    known = {row["model_no"]: ModelRisk(row["model_id"], row["name"], _risk(risks, row["model_no"])) for row in rows["models"]}
    held: dict[int, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    sleeves = load_books(house, day).sleeves
    columns = (sleeves[name].tolist() for name in ("contract_no", "model_no", "sleeve_no", "status_code"))
    for contract, model, sleeve, status in zip(*columns, strict=True):
        if status == 0:
            held[contract][model].append(ids["sleeves"][sleeve])
    checked, without = [], []
    for contract in sorted(held, key=ids["contracts"].__getitem__):
        limit = limits.get(contract)
        if limit is None:
            without.append(ids["contracts"][contract])
            continue
        of = sorted(held[contract].items(), key=lambda one: _by_risk(known[one[0]]))
        judged = judge([known[model] for model, _ in of], limit["most_risk_ppm"])
        holdings = tuple(Holding(tuple(sorted(names)), one) for (_, names), one in zip(of, judged, strict=True))
        told = limit["most_risk_ppm"], limit["valid_from_date"], limit["source"]
        checked.append(Checked(ids["contracts"][contract], *told, holdings))
    return Recheck(day, tuple(checked), tuple(without))


def _risk(assumed: Mapping[int, Mapping], model_no: int) -> int | None:
    row = assumed.get(model_no)
    return None if row is None else row["risk_ppm"]


def _by_risk(model: ModelRisk) -> tuple:
    return model.risk_ppm is None, model.risk_ppm or 0, model.model_id
