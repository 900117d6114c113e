//! The flow of a year's money as a picture: bands whose width is their amount. Every band is a difference of sums, so what
//! enters a column leaves it.

use keis_ledger::record::Totals;

use crate::words::Language;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 320.0;
const BAR: f64 = 14.0;
const GAP: f64 = 18.0;
const TOP: f64 = 24.0;
/// Where the bars of a column stand.
const COLUMNS: [f64; 4] = [0.0, 230.0, 460.0, 690.0];
const COLOURS: [&str; 4] = ["#14532d", "#1d4ed8", "#7a4100", "#5b21b6"];

struct Bar {
    label: String,
    amount: u128,
    column: usize,
    /// The bar that feeds this one.
    from: Option<usize>,
}

/// The bars of one source; bars of a column stand in the order in which they leave the bar that feeds them.
fn bars(totals: &Totals, language: Language) -> Vec<Bar> {
    let cents = |amount: keis_ledger::money::Cents| u128::from(amount.get());
    let word = |lt, en| language.of(lt, en).to_owned();
    let waiting = cents(totals.budget) + cents(totals.reserve);
    let wallets = cents(totals.pupils) + cents(totals.schools);
    let orders = cents(totals.held) + cents(totals.escrowed);
    let (earned, stated, paid) = (cents(totals.providers), cents(totals.settlement), cents(totals.paid));
    let (provided, returned) = (earned + stated + paid, cents(totals.returned));
    let minted = cents(totals.minted) + cents(totals.receivable);
    let used = wallets + orders + provided;
    let bar = |label, amount, column, from| Bar { label, amount, column, from };
    vec![
        bar(word("Gauta", "Minted"), minted, 0, None),
        bar(word("Nepaskirstyta", "Not allocated"), waiting, 1, Some(0)),
        bar(word("Paskirstyta", "Allocated"), used, 1, Some(0)),
        bar(word("Grąžinta", "Returned"), returned, 1, Some(0)),
        bar(word("Piniginėse", "In wallets"), wallets, 2, Some(2)),
        bar(word("Užsakymuose", "In orders"), orders, 2, Some(2)),
        bar(word("Teikėjams", "To providers"), provided, 2, Some(2)),
        bar(word("Uždirbta, be ataskaitos", "Earned, in no statement"), earned, 3, Some(6)),
        bar(word("Ataskaitose", "In statements"), stated, 3, Some(6)),
        bar(word("Apmokėta", "Paid"), paid, 3, Some(6)),
    ]
}

/// The picture of one source; none when nothing came in.
pub(crate) fn flow(totals: &Totals, title: &str, language: Language) -> Option<String> {
    let bars = bars(totals, language);
    let whole = bars.first().map(|bar| bar.amount).filter(|amount| *amount > 0)?;
    let height = |amount: u128| (HEIGHT * (amount as f64 / whole as f64)).max(if amount > 0 { 1.0 } else { 0.0 });
    let mut tops = Vec::with_capacity(bars.len());
    let mut ends = [TOP; COLUMNS.len()];
    for bar in &bars {
        tops.push(ends[bar.column]);
        if bar.amount > 0 {
            ends[bar.column] += height(bar.amount) + GAP;
        }
    }
    let mut left: Vec<f64> = tops.clone();
    let mut drawn = String::new();
    for (index, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.amount > 0) {
        let (x, y, tall) = (COLUMNS[bar.column], tops[index], height(bar.amount));
        let colour = COLOURS[bar.column];
        if let Some(from) = bar.from {
            drawn.push_str(&band(COLUMNS[bars[from].column] + BAR, left[from], x, y, tall, colour));
            left[from] += tall;
        }
        drawn.push_str(&format!(r#"<rect x="{x:.1}" y="{y:.1}" width="{BAR}" height="{tall:.1}" fill="{colour}"/>"#));
        let (label, amount) = (&bar.label, language.money(bar.amount));
        let (at, middle) = (x + BAR + 6.0, y + tall / 2.0 + 4.0);
        drawn.push_str(&format!(r#"<text x="{at:.1}" y="{middle:.1}">{label}: {amount}</text>"#));
    }
    let bottom = ends.into_iter().fold(HEIGHT, f64::max);
    Some(format!(
        r##"<svg role="img" viewBox="0 0 {WIDTH} {bottom:.0}" font-family="sans-serif" font-size="13" fill="#1b1b1b"><title>{title}</title>{drawn}</svg>"##
    ))
}

fn band(x0: f64, y0: f64, x1: f64, y1: f64, tall: f64, colour: &str) -> String {
    let middle = (x0 + x1) / 2.0;
    let (low0, low1) = (y0 + tall, y1 + tall);
    format!(
        r#"<path d="M{x0:.1} {y0:.1}C{middle:.1} {y0:.1} {middle:.1} {y1:.1} {x1:.1} {y1:.1}V{low1:.1}C{middle:.1} {low1:.1} {middle:.1} {low0:.1} {x0:.1} {low0:.1}Z" fill="{colour}" fill-opacity="0.25"/>"#
    )
}
