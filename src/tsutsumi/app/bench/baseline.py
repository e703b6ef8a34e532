"""The same steps as set-based SQL in DuckDB (比較対象): the opponent of `tsutsumi bench close`.

Tables are in memory, sorted as the books are; every step makes temporary tables from the ones before it. Whole numbers only:
`//` cuts toward zero, so it stands only where nothing is negative; a BIGINT that would pass 2^63 is an error in DuckDB, so the
products of this book are known to fit. The tie of the largest remainder goes through 128 bits, and only where there is a share
to make.
"""

from time import perf_counter

import numpy as np

from tsutsumi.app.bench.book import Book
from tsutsumi.core.accrual import top_rate_ppm
from tsutsumi.core.schema import Frame

SOURCES = {
    "sleeves": "sleeve_no account_no contract_no program_no model_no rebalanced_date cash_yen receivable_yen payable_yen value_yen"
    " base_sum_yen",
    "positions": "sleeve_no instrument_no held_units cost_yen",
    "account_positions": "account_no instrument_no held_units tax_cost_yen",
    "contracts": "account_no contract_no period_end_date",
    "orders": "sleeve_no account_no custodian_no instrument_no decided_date side_code reason_code status_code placed_date"
    " priced_date settlement_date asked_yen asked_units filled_units filled_yen",
    "payouts": "sleeve_no amount_yen requested_date",
}
SPLITMIX = """
create macro mul64(a, b) as ((a::UHUGEINT * b::UHUGEINT) % 18446744073709551616::UHUGEINT)::UBIGINT;
create macro mix0(k) as ((k::UHUGEINT + 11400714819323198485::UHUGEINT) % 18446744073709551616::UHUGEINT)::UBIGINT;
create macro mix1(z) as mul64(xor(z, z >> 30), 13787848793156543929);
create macro mix2(z) as mul64(xor(z, z >> 27), 10723151780598845931);
create macro mix3(z) as xor(z, z >> 31);
create macro tie(s, i, d) as mix3(mix2(mix1(mix0((s::UBIGINT * 1000003 + i) * 1000003 + d))));
create macro ceil_div(a, b) as (a + b - 1) // b;
"""
SETTLE = """
create temp table settled as
  select sleeve_no, sum(if(side_code = 0, filled_yen, -filled_yen))::BIGINT as cash_yen,
    sum(if(side_code = 0, filled_yen, 0))::BIGINT as sold_yen, sum(if(side_code = 1, filled_yen, 0))::BIGINT as bought_yen
  from orders where status_code = 1 and settlement_date <= $day group by sleeve_no;
"""
FILLS = """
create temp table due as
  select o.sleeve_no, o.account_no, o.instrument_no, o.side_code, o.decided_date, o.asked_units, o.asked_yen
  from orders o where o.status_code = 0 and o.priced_date <= $day;
create temp table groups as
  select g.account_no, g.instrument_no, g.side_code, g.members, g.asked,
    if(g.side_code = 0, g.asked, g.asked * i.den // i.num) as units,
    if(g.side_code = 0, g.asked * i.sell_num // i.sell_den, g.asked) as yen
  from (select account_no, instrument_no, side_code, count(*) as members,
          sum(if(side_code = 0, asked_units, asked_yen))::BIGINT as asked
        from due group by account_no, instrument_no, side_code) g join instruments i using (instrument_no);
create temp table filled as
  with parts as (
    select d.*, g.members, if(d.side_code = 0, g.yen, g.units) as total,
      if(d.side_code = 0, d.asked_units, d.asked_yen) as weight, g.asked
    from due d join groups g using (account_no, instrument_no, side_code)
  ), floors as (
    select *, total * weight // asked as share, total * weight % asked as remainder from parts where members > 1
  ), ranked as (
    select *, total - sum(share) over (partition by account_no, instrument_no, side_code) as rest,
      row_number() over (partition by account_no, instrument_no, side_code
        order by remainder desc, tie(sleeve_no, instrument_no, $day), sleeve_no, decided_date) as place
    from floors
  ), shares as (
    select sleeve_no, instrument_no, side_code, decided_date, asked_units, asked_yen, total as share from parts where members = 1
    union all
    select sleeve_no, instrument_no, side_code, decided_date, asked_units, asked_yen, share + if(place <= rest, 1, 0) from ranked
  )
  select sleeve_no, instrument_no, side_code, decided_date, if(side_code = 0, asked_units, share)::BIGINT as units,
    if(side_code = 0, share, asked_yen)::BIGINT as yen
  from shares;
create temp table positions_after as
  select p.sleeve_no, p.instrument_no, p.held_units + coalesce(f.bought, 0) - coalesce(f.sold, 0) as held_units,
    case when f.sold > 0 then p.cost_yen + f.paid - (p.cost_yen + f.paid) * f.sold // (p.held_units + f.bought)
      else p.cost_yen + coalesce(f.paid, 0) end as cost_yen
  from positions p left join (
    select sleeve_no, instrument_no, sum(if(side_code = 1, units, 0))::BIGINT as bought,
      sum(if(side_code = 1, yen, 0))::BIGINT as paid, sum(if(side_code = 0, units, 0))::BIGINT as sold
    from filled group by sleeve_no, instrument_no) f
  on p.sleeve_no = f.sleeve_no and p.instrument_no = f.instrument_no;
create temp table account_positions_after as
  select p.account_no, p.instrument_no, p.held_units + coalesce(f.bought, 0) - coalesce(f.sold, 0) as held_units,
    case when f.sold > 0 then ceil_div(
        ceil_div((p.tax_cost_yen + f.paid) * 10000, p.held_units + f.bought) * (p.held_units + f.bought - f.sold), 10000)
      else p.tax_cost_yen + coalesce(f.paid, 0) end as tax_cost_yen
  from account_positions p left join (
    select account_no, instrument_no, sum(if(side_code = 1, units, 0))::BIGINT as bought,
      sum(if(side_code = 1, yen, 0))::BIGINT as paid, sum(if(side_code = 0, units, 0))::BIGINT as sold
    from groups group by account_no, instrument_no) f
  on p.account_no = f.account_no and p.instrument_no = f.instrument_no;
create temp table live as
  select o.sleeve_no, o.account_no, o.custodian_no, o.instrument_no, o.decided_date, o.side_code, o.reason_code,
    if(f.units is null, o.status_code, 1::TINYINT) as status_code, o.placed_date, o.priced_date, o.settlement_date, o.asked_yen,
    o.asked_units, coalesce(f.units, o.filled_units) as filled_units, coalesce(f.yen, o.filled_yen) as filled_yen
  from orders o left join filled f
    on o.sleeve_no = f.sleeve_no and o.instrument_no = f.instrument_no and o.decided_date = f.decided_date
  where o.status_code = 0 or o.settlement_date > $day;
"""
VALUE = """
create temp table valued as
  select s.sleeve_no, s.account_no, s.contract_no, s.program_no, s.model_no, s.rebalanced_date, s.value_yen as value_before_yen,
    s.base_sum_yen, s.cash_yen + coalesce(t.cash_yen, 0) as cash_yen,
    s.receivable_yen - coalesce(t.sold_yen, 0) + coalesce(f.sold_yen, 0) as receivable_yen,
    s.payable_yen - coalesce(t.bought_yen, 0) + coalesce(f.bought_yen, 0) as payable_yen, p.positions_yen,
    p.positions_yen + s.cash_yen + coalesce(t.cash_yen, 0) + s.receivable_yen - coalesce(t.sold_yen, 0) + coalesce(f.sold_yen, 0)
      - s.payable_yen + coalesce(t.bought_yen, 0) - coalesce(f.bought_yen, 0) as value_yen
  from sleeves s
    join (select sleeve_no, sum(held_units * num // den)::BIGINT as positions_yen
          from positions_after join instruments using (instrument_no) group by sleeve_no) p using (sleeve_no)
    left join settled t using (sleeve_no)
    left join (select sleeve_no, sum(if(side_code = 0, yen, 0))::BIGINT as sold_yen,
                 sum(if(side_code = 1, yen, 0))::BIGINT as bought_yen
               from filled group by sleeve_no) f using (sleeve_no);
create temp table breached as
  select distinct p.sleeve_no
  from positions_after p join valued v using (sleeve_no) join instruments i using (instrument_no)
    join programs r on r.program_no = v.program_no
    left join weights w on w.model_no = v.model_no and w.instrument_no = p.instrument_no
  where v.value_yen > 0
    and abs((p.held_units * i.num // i.den) * 1000000 - v.value_yen * coalesce(w.weight_ppm, 0))
      >= v.value_yen * r.band_absolute_ppm;
"""
ACCRUE = """
create temp table accrued as
  select v.sleeve_no, v.base_sum_yen + v.value_before_yen * $gap + v.value_yen as base_sum_yen
  from valued v join contracts c on c.account_no = v.account_no and c.contract_no = v.contract_no
  where c.period_end_date > $day;
"""
DECIDE = """
create temp table needs as
  select sleeve_no, sum(amount_yen)::BIGINT as needs_yen, bool_or(requested_date < $day) as late from payouts group by sleeve_no;
create temp table candidates as
  select v.sleeve_no, v.account_no, v.model_no, v.program_no, v.rebalanced_date, v.cash_yen,
    v.cash_yen + v.receivable_yen - v.payable_yen as free_yen,
    coalesce(n.needs_yen, 0) as needs_yen, coalesce(n.late, false) as late, n.sleeve_no is not null as has_payout,
    a.base_sum_yen * r.top_rate_ppm // (1000000::BIGINT * 365) as reserve_yen,
    r.band_absolute_ppm, r.cooldown_days, r.minimum_trade_yen, r.sale_margin_ppm, m.cash_ppm, m.pays_date
  from valued v join programs r using (program_no) join models m using (model_no) join accrued a using (sleeve_no)
    left join needs n using (sleeve_no) left join breached b using (sleeve_no)
    left join (select distinct sleeve_no from live) o using (sleeve_no)
  where n.sleeve_no is not null or b.sleeve_no is not null or o.sleeve_no is not null
    or v.cash_yen + v.receivable_yen - v.payable_yen - v.value_yen * m.cash_ppm // 1000000 >= r.minimum_trade_yen
    or v.cash_yen + v.receivable_yen - v.payable_yen < 0;
create temp table held as
  select p.sleeve_no, p.instrument_no, p.held_units - coalesce(f.selling, 0) as sellable, coalesce(f.selling, 0) as selling,
    coalesce(f.buying_yen, 0) as buying_yen,
    (p.held_units - coalesce(f.selling, 0)) * i.num // i.den + coalesce(f.buying_yen, 0) as v_yen,
    coalesce(f.selling, 0) * i.num // i.den as estimate_yen, coalesce(w.weight_ppm, 0)::BIGINT as weight_ppm, i.num, i.den
  from positions_after p join candidates c using (sleeve_no) join instruments i using (instrument_no)
    left join weights w on w.model_no = c.model_no and w.instrument_no = p.instrument_no
    left join (select sleeve_no, instrument_no, sum(if(side_code = 0, asked_units, 0))::BIGINT as selling,
                 sum(if(side_code = 1, asked_yen, 0))::BIGINT as buying_yen
               from live where status_code = 0 group by sleeve_no, instrument_no) f
      on f.sleeve_no = p.sleeve_no and f.instrument_no = p.instrument_no;
create temp table weighed as
  select c.*, c.free_yen - t.buying_yen - c.needs_yen as free_after_yen, t.estimate_yen,
    greatest(t.v_yen + c.free_yen - t.buying_yen - c.needs_yen + t.estimate_yen, 0) as worth_yen
  from candidates c join (
    select sleeve_no, sum(v_yen)::BIGINT as v_yen, sum(buying_yen)::BIGINT as buying_yen, sum(estimate_yen)::BIGINT as estimate_yen
    from held group by sleeve_no) t using (sleeve_no);
create temp table aimed as
  select h.*, w.worth_yen * h.weight_ppm // 1000000 as target_yen, h.v_yen - w.worth_yen * h.weight_ppm // 1000000 as excess_yen,
    w.worth_yen > 0 and abs(h.v_yen * 1000000 - w.worth_yen * h.weight_ppm) >= w.worth_yen * w.band_absolute_ppm as breach
  from held h join weighed w using (sleeve_no);
create temp table rebalancing as
  select w.sleeve_no from weighed w join aimed a using (sleeve_no)
  where w.free_after_yen >= 0 and (w.rebalanced_date = 0 or $day - w.rebalanced_date >= w.cooldown_days)
  group by w.sleeve_no having bool_or(a.breach) and bool_or(a.excess_yen > 0);
create temp table rebalance_sales as
  select *, sold * num // den as gone_yen, sellable * num // den - (sellable - sold) * num // den as fallen_yen from (
    select a.sleeve_no, a.instrument_no, a.num, a.den, a.sellable,
      if(a.weight_ppm = 0, a.sellable, least(a.sellable, a.excess_yen * a.den // a.num)) as sold
    from aimed a join rebalancing using (sleeve_no) join weighed w using (sleeve_no)
    where a.excess_yen > 0 and a.sellable > 0 and (a.weight_ppm = 0 or a.excess_yen >= w.minimum_trade_yen));
create temp table plans as
  select w.*, coalesce(g.gone_yen, 0) as gone_yen, r.sleeve_no is not null as rebalance,
    w.free_after_yen + w.estimate_yen * (1000000 - w.sale_margin_ppm // 2) // 1000000 < 0 as short,
    if(w.late, least(6 * w.sale_margin_ppm, 500000), w.sale_margin_ppm) as margin_ppm
  from weighed w left join rebalancing r using (sleeve_no)
    left join (select sleeve_no, sum(gone_yen)::BIGINT as gone_yen from rebalance_sales group by sleeve_no) g using (sleeve_no);
create temp table shortfalls as
  select sleeve_no, greatest(ceil_div(lack_yen * 1000000, 1000000 - margin_ppm), minimum_trade_yen) - gone_yen as x_yen
  from (select *, -(free_after_yen + estimate_yen * (1000000 - margin_ppm) // 1000000) as lack_yen from plans where short);
create temp table shortfall_sales as
  with there as (
    select a.sleeve_no, a.instrument_no, a.num, a.den, s.x_yen, a.excess_yen - coalesce(r.fallen_yen, 0) as excess_yen,
      a.buying_yen, a.sellable - coalesce(r.sold, 0) as rest
    from aimed a join shortfalls s using (sleeve_no) left join rebalance_sales r using (sleeve_no, instrument_no)
    where s.x_yen > 0
  ), first_pass as (
    select *, if(rest > 0 and excess_yen > 0, least(rest, ceil_div(excess_yen * den, num)), 0) as most from there
  ), first_taken as (
    select *, x_yen - coalesce(sum(most * num // den) over (partition by sleeve_no order by excess_yen desc, instrument_no
        rows between unbounded preceding and 1 preceding), 0) as left_yen
    from first_pass
  ), first_sold as (
    select *, if(most > 0 and left_yen > 0, least(rest, ceil_div(least(left_yen, excess_yen) * den, num)), 0) as one
    from first_taken
  ), second_pass as (
    select *, x_yen - sum(one * num // den) over (partition by sleeve_no) as still_yen,
      buying_yen + (rest - one) * num // den as there_yen
    from first_sold
  ), second_most as (
    select *, if(rest - one > 0 and there_yen > 0, least(rest - one, ceil_div(there_yen * den, num)), 0) as more from second_pass
  ), second_taken as (
    select *, still_yen - coalesce(sum(more * num // den) over (partition by sleeve_no order by excess_yen desc, instrument_no
        rows between unbounded preceding and 1 preceding), 0) as then_yen
    from second_most
  )
  select sleeve_no, instrument_no,
    (one + if(more > 0 and then_yen > 0, least(rest - one, ceil_div(least(then_yen, there_yen) * den, num)), 0))::BIGINT as sold
  from second_taken;
create temp table ladders as
  with steps as (
    select p.sleeve_no, p.cash_yen, p.pays_date, o.settlement_date,
      sum(case when o.status_code = 0 then if(o.side_code = 1, -o.asked_yen, 0)
               when o.side_code = 1 then -o.filled_yen else o.filled_yen end) as moved_yen
    from plans p join live o using (sleeve_no) where not p.short
    group by p.sleeve_no, p.cash_yen, p.pays_date, o.settlement_date
  ), known as (
    select *, cash_yen + sum(moved_yen) over (partition by sleeve_no order by settlement_date) as then_yen from steps
  )
  select sleeve_no, least(
      coalesce(min(then_yen) filter (settlement_date > pays_date), 9000000000000000000),
      any_value(cash_yen) + coalesce(sum(moved_yen) filter (settlement_date <= pays_date), 0))::BIGINT as sure_yen
  from known group by sleeve_no;
create temp table purchases as
  with budgets as (
    select p.sleeve_no, p.minimum_trade_yen, p.rebalance, least(
        coalesce(l.sure_yen, p.cash_yen) - p.needs_yen - p.reserve_yen,
        p.free_after_yen - greatest(p.worth_yen * p.cash_ppm // 1000000, p.reserve_yen)) as budget_yen
    from plans p left join ladders l using (sleeve_no) where not p.short
  ), gaps as (
    select a.sleeve_no, a.instrument_no, b.minimum_trade_yen, b.rebalance, b.budget_yen, a.target_yen - a.v_yen as gap_yen
    from aimed a join budgets b using (sleeve_no) left join rebalance_sales r using (sleeve_no, instrument_no)
    where b.budget_yen >= b.minimum_trade_yen and a.target_yen - a.v_yen >= b.minimum_trade_yen and a.selling = 0
      and coalesce(r.sold, 0) = 0
  ), taken as (
    select *, least(gap_yen, budget_yen - coalesce(sum(gap_yen) over (partition by sleeve_no order by gap_yen desc, instrument_no
        rows between unbounded preceding and 1 preceding), 0)) as bought_yen
    from gaps
  )
  select sleeve_no, instrument_no, rebalance, bought_yen::BIGINT as bought_yen from taken where bought_yen >= minimum_trade_yen;
create temp table new_orders as
  select c.sleeve_no, c.account_no, u.custodian_no, f.instrument_no, f.side_code,
    if(f.reason_code > 0, f.reason_code, if(c.has_payout, 6, 7))::TINYINT as reason_code,
    f.asked_yen, f.asked_units,
    $day as decided_date, $next_day as placed_date, i.priced_date,
    if(f.side_code = 0, i.sale_settlement_date, i.purchase_settlement_date) as settlement_date
  from (
    select sleeve_no, instrument_no, 0::TINYINT as side_code, if(coalesce(r.sold, 0) > 0, 4, 0)::TINYINT as reason_code,
      0::BIGINT as asked_yen, coalesce(r.sold, 0) + coalesce(s.sold, 0) as asked_units
    from rebalance_sales r full join shortfall_sales s using (sleeve_no, instrument_no)
    where coalesce(r.sold, 0) + coalesce(s.sold, 0) > 0
    union all
    select sleeve_no, instrument_no, 1::TINYINT, if(rebalance, 4, 5)::TINYINT, bought_yen, 0::BIGINT from purchases
  ) f join candidates c using (sleeve_no) join instruments i using (instrument_no) join accounts u using (account_no);
create temp table sleeves_after as
  select v.sleeve_no, v.cash_yen, v.receivable_yen, v.payable_yen, v.positions_yen, v.value_yen, a.base_sum_yen,
    if(r.sleeve_no is null, v.rebalanced_date, $day) as rebalanced_date
  from valued v join accrued a using (sleeve_no) left join rebalancing r using (sleeve_no);
create temp table orders_after as
  select * from live
  union all by name
  select *, 0::TINYINT as status_code, 0::BIGINT as filled_units, 0::BIGINT as filled_yen from new_orders;
"""
BLOCKS = """
create temp table blocks as
  select custodian_no, instrument_no, side_code, placed_date, sum(asked_units)::BIGINT as asked_units,
    sum(asked_yen)::BIGINT as asked_yen
  from new_orders group by custodian_no, instrument_no, side_code, placed_date;
"""
STEPS = {"settle": SETTLE, "fills": FILLS, "valuation": VALUE, "accrual": ACCRUE, "decision": DECIDE, "blocks": BLOCKS}
RESULTS = {
    "positions": ("positions_after", "sleeve_no instrument_no", "held_units cost_yen"),
    "account_positions": ("account_positions_after", "account_no instrument_no", "held_units tax_cost_yen"),
    "sleeves": (
        "sleeves_after", "sleeve_no", "cash_yen receivable_yen payable_yen positions_yen value_yen base_sum_yen rebalanced_date",
    ),
    "orders": (
        "orders_after", "sleeve_no decided_date instrument_no",
        "account_no custodian_no side_code reason_code status_code placed_date priced_date settlement_date asked_yen asked_units"
        " filled_units filled_yen",
    ),
    "blocks": ("blocks", "custodian_no instrument_no side_code placed_date", "asked_units asked_yen"),
}


class SqlClose:
    """DuckDB with the books of a synthetic day in memory (SQL による締め).

    Parameters
    ----------
    duckdb : module
    book : Book
    """

    def __init__(self, duckdb, book: Book) -> None:
        self.connection = duckdb.connect(":memory:")
        self.connection.execute(SPLITMIX)
        frames = {name: getattr(book.arrived, name) for name in SOURCES} | _reference(book)
        for name, frame in frames.items():
            columns = SOURCES[name].split() if name in SOURCES else list(frame)
            self.connection.register("given", {column: frame[column] for column in columns})
            self.connection.execute(f"create table {name} as select * from given")  # noqa: S608
            self.connection.unregister("given")
        rules = book.rules
        words = {"$day": rules.day, "$next_day": rules.next_day, "$gap": rules.day - 1 - book.before.day}
        self.steps = {name: _filled_in(text, words) for name, text in STEPS.items()}
        version, threads = self.connection.execute("select version(), current_setting('threads')").fetchone()
        self.version, self.threads = version.removeprefix("v"), int(threads)

    def run(self) -> dict[str, float]:
        """Close the day and return the seconds of each step; tables of the run before are dropped first."""
        made = self.connection.execute("select table_name from duckdb_tables() where temporary").fetchall()
        for (name,) in made:
            self.connection.execute(f"drop table {name}")
        seconds = {}
        for name, text in self.steps.items():
            begun = perf_counter()
            self.connection.execute(text)
            seconds[name] = perf_counter() - begun
        return seconds

    def result(self, table: str) -> Frame:
        """Return a table of the closed day, sorted by its key."""
        source, key, columns = RESULTS[table]
        names = ", ".join(key.split() + columns.split())
        query = f"select {names} from {source} order by {', '.join(key.split())}"  # noqa: S608
        return {name: np.asarray(column) for name, column in self.connection.execute(query).fetchnumpy().items()}


def _filled_in(text: str, words: dict[str, int]) -> str:
    for word, value in words.items():
        text = text.replace(word, f"{value}::INTEGER")
    return text


def _reference(book: Book) -> dict[str, Frame]:
    """Return what the day's rules and prices say, as tables: one row per instrument, program, model, weight, account."""
    rules, market = book.rules, book.inputs.market
    numbers = np.arange(1, market.num.size)
    days, priced = rules.timeline.days, rules.timeline.priced_index[:, rules.day_index + 1]
    sale, purchase = (days[priced + rules.settlement_days[side]] for side in (0, 1))
    instruments = {"instrument_no": numbers.astype(np.int32), "priced_date": days[priced][numbers]}
    instruments |= {"sale_settlement_date": sale[numbers], "purchase_settlement_date": purchase[numbers]}
    instruments |= {name: getattr(market, name)[numbers] for name in ("num", "den", "sell_num", "sell_den")}
    models, held = np.nonzero(rules.weights[:, 1:])
    weights = {"model_no": models.astype(np.int32), "instrument_no": (held + 1).astype(np.int32)}
    weights["weight_ppm"] = rules.weights[models, held + 1]
    known = np.unique(models)
    pays = np.array([purchase[1:][rules.weights[model, 1:] > 0].min() for model in known], np.int32)
    names = ("band_absolute_ppm", "cooldown_days", "minimum_trade_yen", "sale_margin_ppm")
    count = rules.programs[names[0]].size
    top = [top_rate_ppm(rules.program_terms(program, rules.day)[1], rules.day) for program in range(1, count)]
    programs = {name: rules.programs[name][1:] for name in names} | {"top_rate_ppm": np.array(top, np.int64)}
    custodian = rules.registry.accounts["custodian_no"]
    return {
        "instruments": instruments, "weights": weights,
        "programs": {"program_no": np.arange(1, count).astype(np.int32)} | programs,
        "models": {"model_no": known.astype(np.int32), "cash_ppm": rules.weights[known, 0].astype(np.int64), "pays_date": pays},
        "accounts": {"account_no": np.arange(1, custodian.size).astype(np.int32), "custodian_no": custodian[1:]},
    }


def load_duckdb():
    """Return the DuckDB module.

    Raises
    ------
    ModuleNotFoundError
        It is not installed; the message says how to install it.
    """
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("DuckDB is not installed: pip install 'tsutsumi[bench]'") from error
    return duckdb
