//! The report as one page for people: no script, nothing fetched, every picture with its table beside it.

use askama::Template;
use keis_ledger::time::Timestamp;

use crate::anomaly::{Anomaly, Case};
use crate::picture::flow;
use crate::report::{Report, Verdict};
use crate::words::Language;
use crate::year::{Both, Group, Row as Grouped, YearFigures};

/// Most cases of a flag on the page; the JSON has more.
const CASES_SHOWN: usize = 5;

struct Line {
    label: String,
    cells: Vec<String>,
    sum: bool,
}

struct Table {
    title: String,
    heads: Vec<String>,
    rows: Vec<Line>,
}

struct Picture {
    title: &'static str,
    svg: String,
}

struct Flag {
    label: String,
    limit: String,
    found: String,
    cases: Vec<(String, String)>,
}

struct Year {
    title: String,
    money: Vec<Line>,
    equation: bool,
    recount: bool,
    pictures: Vec<Picture>,
    tables: Vec<Table>,
    flags: Vec<Flag>,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    lang: Language,
    title: &'static str,
    years: Vec<Year>,
    facts: Vec<(&'static str, String)>,
}

impl Report {
    /// The report as one self-contained page.
    pub fn html(&self, language: Language) -> String {
        let page = Page {
            report: self,
            lang: language,
            title: language.of("Kultūros paso knygos auditas", "Audit of the culture passport's ledger"),
            years: self.years.iter().map(|year| Words(language).year(year)).collect(),
            facts: Words(language).facts(self),
        };
        page.render().expect("the page is rendered into memory, and its parts have no error of their own")
    }
}

impl Page<'_> {
    fn t(&self, lithuanian: &'static str, english: &'static str) -> &'static str {
        self.lang.of(lithuanian, english)
    }

    fn verdict(&self) -> &'static str {
        match self.report.verdict {
            Verdict::Sound => self.t(
                "Viskas galioja: kiekvienas parašas, kiekvienas blokas ir kiekvienas centas.",
                "Everything holds: every signature, every block and every cent.",
            ),
            Verdict::Fault => self.t("Rasta klaida.", "A fault was found."),
            Verdict::Piece => self.t(
                "Tai tik grandinės dalis: jos nuorodos ir parašai galioja, pinigų be pradžios patikrinti negalima.",
                "This is a piece of the chain: its links and signatures hold; money cannot be judged without its beginning.",
            ),
        }
    }

    fn verdict_class(&self) -> &'static str {
        match self.report.verdict {
            Verdict::Sound => "sound",
            Verdict::Fault => "fault",
            Verdict::Piece => "piece",
        }
    }
}

/// Figures in the words of a language.
struct Words(Language);

impl Words {
    fn year(&self, year: &YearFigures) -> Year {
        let t = |lt, en| self.0.of(lt, en);
        let pictures = year.money.iter().filter_map(|money| {
            let title = if money.is_state() {
                t("Valstybės lėšų kelias", "Flow of the state's money")
            } else {
                t("Mokyklų lėšų kelias", "Flow of the schools' money")
            };
            Some(Picture { title, svg: flow(&money.totals, title, self.0)? })
        });
        Year {
            title: format!("{} {} ({})", year.year, t("metai", ""), self.0.word(&year.state)).replace("  ", " "),
            money: self.money(year),
            equation: year.money.iter().all(|money| money.equation.holds),
            recount: year.money.iter().all(|money| money.recount.holds),
            pictures: pictures.collect(),
            tables: self.tables(year),
            flags: year.anomalies.iter().map(|anomaly| self.flag(anomaly)).collect(),
        }
    }

    fn money(&self, year: &YearFigures) -> Vec<Line> {
        let classes = [
            "budget",
            "reserve",
            "pupils",
            "schools",
            "held",
            "escrowed",
            "providers",
            "settlement",
            "paid",
            "returned",
        ];
        let cells = |name: &str| -> Vec<String> {
            let told = year.money.iter().map(|money| serde_json::to_value(money.totals).unwrap_or_default());
            told.map(|totals| self.0.money(totals.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0).into()))
                .collect()
        };
        let line = |name: &str| Line { label: self.0.word(name), cells: cells(name), sum: false };
        let sum = |label: &str, amount: fn(&crate::money::Equation) -> u128| Line {
            label: label.to_owned(),
            cells: year.money.iter().map(|money| self.0.money(amount(&money.equation))).collect(),
            sum: true,
        };
        let mut lines = vec![line("minted"), line("receivable")];
        lines.push(sum(self.0.of("Iš viso gauta", "Came in, all"), |equation| equation.came_in));
        lines.extend(classes.into_iter().map(line));
        lines.push(sum(self.0.of("Iš viso yra", "Is somewhere, all"), |equation| equation.is_somewhere));
        lines
    }

    fn tables(&self, year: &YearFigures) -> Vec<Table> {
        let t = |lt, en| self.0.of(lt, en);
        let mut tables = vec![
            self.grouped(t("Pagal teikėją", "By provider"), t("Teikėjas", "Provider"), &year.providers),
            self.grouped(t("Pagal PVM", "By VAT category"), t("PVM", "VAT"), &year.vat),
            self.grouped(
                t("Pagal savivaldybę", "By municipality"),
                t("Savivaldybė", "Municipality"),
                &year.municipalities,
            ),
            self.grouped(t("Pagal meno sritį", "By art field"), t("Sritis", "Field"), &year.fields),
        ];
        let counted = |title: &'static str, counts: &std::collections::BTreeMap<String, u64>| Table {
            title: title.to_owned(),
            heads: vec![t("Būsena", "State").to_owned(), t("Skaičius", "Number").to_owned()],
            rows: counts
                .iter()
                .map(|(state, count)| Line {
                    label: self.0.word(state),
                    cells: vec![self.0.number((*count).into())],
                    sum: false,
                })
                .collect(),
        };
        tables.push(Table {
            title: t("Ataskaitos", "Statements").to_owned(),
            heads: vec![t("Būsena", "State").into(), t("Skaičius", "Number").into(), t("Suma", "Sum").into()],
            rows: year
                .statements
                .iter()
                .map(|(state, sums)| Line {
                    label: self.0.word(state),
                    cells: vec![self.0.number(sums.count.into()), self.0.money(sums.total)],
                    sum: false,
                })
                .collect(),
        });
        tables.push(counted(t("Užsakymai", "Orders"), &year.orders));
        tables.push(counted(t("Mokinių piniginės", "Pupils' wallets"), &year.pupils));
        tables
    }

    fn grouped(&self, title: &str, what: &str, rows: &[Grouped]) -> Table {
        let t = |lt, en| self.0.of(lt, en).to_owned();
        let stated = rows.iter().any(|row| row.group.stated.is_some());
        let mut heads = vec![
            what.to_owned(),
            t("Užsakymai", "Orders"),
            t("Dalyvavo", "Attended"),
            t("Nedalyvavo", "Absent"),
            t("Uždirbta iš valstybės", "Earned, state"),
            t("Uždirbta iš mokyklų", "Earned, schools"),
            t("Atidėta", "Set aside"),
        ];
        if stated {
            heads.push(t("Ataskaitose", "In statements"));
        }
        let mut sum = Group::default();
        let mut lines: Vec<Line> = Vec::with_capacity(rows.len() + 1);
        for row in rows {
            add(&mut sum, &row.group);
            lines.push(Line { label: self.0.word(&row.key), cells: self.cells(&row.group, stated), sum: false });
        }
        lines.push(Line { label: t("Iš viso", "All"), cells: self.cells(&sum, stated), sum: true });
        Table { title: title.to_owned(), heads, rows: lines }
    }

    fn cells(&self, group: &Group, stated: bool) -> Vec<String> {
        let both = |both: &Both| self.0.money(both.state + both.school);
        let mut cells = vec![
            self.0.number(group.orders.into()),
            self.0.number(group.attended.into()),
            self.0.number(group.absent.into()),
            self.0.money(group.earned.state),
            self.0.money(group.earned.school),
            both(&group.set_aside),
        ];
        if stated {
            cells.push(both(&group.stated.unwrap_or_default()));
        }
        cells
    }

    fn flag(&self, anomaly: &Anomaly) -> Flag {
        let share = anomaly.measure.starts_with("share");
        let measured = |value: u64| {
            if share { format!("{}.{:02}\u{a0}%", value / 100, value % 100) } else { self.0.number(value.into()) }
        };
        let case = |case: &Case| {
            let limit = if anomaly.limit.is_none() { format!(" / {}", measured(case.limit)) } else { String::new() };
            (case.about.join(" "), format!("{}{limit}", measured(case.value)))
        };
        Flag {
            label: self.0.word(anomaly.code),
            limit: anomaly.limit.map_or_else(String::new, measured),
            found: self.0.number(anomaly.found.into()),
            cases: anomaly.cases.iter().take(CASES_SHOWN).map(case).collect(),
        }
    }

    fn facts(&self, report: &Report) -> Vec<(&'static str, String)> {
        let t = |lt, en| self.0.of(lt, en);
        let number = |number: u64| self.0.number(number.into());
        let verified = &report.verified;
        let mut facts = vec![
            (t("Tinklas", "Network"), report.network.to_string()),
            (t("Operacijos su parašais", "Transactions with their signatures"), number(verified.transactions)),
            (
                t("Pasirašė pareigūnas šalies vardu", "Signed by an officer on a party's behalf"),
                number(verified.on_behalf),
            ),
            (t("Laikrodžio žingsniai", "Clock steps"), number(verified.clock_steps)),
            (t("Tikrintojų parašai", "Validators' signatures"), number(verified.precommits)),
            (t("Tikrintojų keitimai", "Changes of validators"), number(verified.handovers)),
        ];
        if verified.certificates_unjudged > 0 {
            let label = t("Neįvertinti sertifikatai", "Certificates not judged");
            facts.push((label, number(verified.certificates_unjudged)));
        }
        if let Some(file) = &report.file {
            facts.push((t("Blokai", "Blocks"), number(file.blocks)));
            facts.push((t("Pirmas blokas", "First block"), file.from.to_string()));
            facts.push((t("Baitai", "Bytes"), number(file.bytes)));
            facts.push((t("Dokumentai", "Documents"), number(file.documents)));
            facts.push((t("Trūksta dokumentų", "Documents missing"), number(file.documents_missing)));
        }
        if let Some(tip) = &report.tip {
            facts.push((t("Paskutinis blokas", "Last block"), format!("{} ({})", tip.height, tip.block)));
            facts.push((t("Jo laikas", "Its time"), instant(tip.time)));
            facts.push((t("Būsenos šaknis", "State root"), tip.state_root.to_string()));
        }
        facts
    }
}

fn add(sum: &mut Group, group: &Group) {
    let both = |sum: &mut Both, part: &Both| {
        sum.state += part.state;
        sum.school += part.school;
    };
    sum.orders += group.orders;
    sum.attended += group.attended;
    sum.absent += group.absent;
    both(&mut sum.earned, &group.earned);
    both(&mut sum.set_aside, &group.set_aside);
    if let Some(stated) = &group.stated {
        both(sum.stated.get_or_insert_default(), stated);
    }
}

fn instant(time: Timestamp) -> String {
    let known = i64::try_from(time.0).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    known.map_or_else(|| time.0.to_string(), |known| known.to_string())
}
