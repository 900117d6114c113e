//! Programme years: how they stand, opening one, its pupils' wallets and money, schools' money, its end.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Year;
use keis_ledger::ids::SchoolId;
use keis_ledger::money::Cents;
use keis_ledger::operation::{FundsOperation, Operation};
use keis_ledger::record::{Totals, YearState};
use keis_registry::outbox::{New, Office};
use keis_registry::page::Page;
use keis_registry::people;
use keis_registry::permission::{Permission, Role};
use keis_registry::wallets::{self, WalletState};
use keis_wallet::client::YearParameters;
use warp::http::StatusCode;

use super::acts;
use super::forms::{Builder, Control, Form, Problems, money};
use super::year_form::{self, NewYear};
use crate::call::{Answer, Call, Fields, page, page_with, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::public::terms;
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// A year in the list.
struct Row {
    year: String,
    state: String,
    class: &'static str,
    amount: String,
    window: String,
}

#[derive(Template)]
#[template(path = "office/years.html")]
struct YearsPage {
    f: Frame,
    years: Vec<Row>,
    may_open: bool,
}

#[derive(Template)]
#[template(path = "office/year_open.html")]
struct OpenPage {
    f: Frame,
    form: Form,
}

#[derive(Template)]
#[template(path = "office/year_confirm.html")]
struct ConfirmPage {
    f: Frame,
    facts: Vec<(String, String)>,
    fields: Vec<(String, String)>,
}

/// Money of one class.
struct Class {
    name: String,
    state: String,
    school: String,
}

/// Picks one class out of the sums.
type Sum = fn(&Totals) -> Cents;

/// How far the pupils' wallets have come.
struct Progress {
    drawn: u64,
    opened: u64,
    allocated: u64,
    closed: u64,
    all: u64,
    funded: u64,
}

#[derive(Template)]
#[template(path = "office/year.html")]
struct YearPage {
    f: Frame,
    year: String,
    is_open: bool,
    balanced: bool,
    classes: Vec<Class>,
    rules: Vec<(String, String)>,
    progress: Progress,
    running: bool,
    is_officer: bool,
    is_budget_officer: bool,
    may_end: bool,
    ends: String,
    form: Form,
    search: String,
}

impl YearPage {
    fn count(&self, number: &u64) -> String {
        self.f.w.number(*number)
    }
}

fn has(call: &Call, role: Role) -> bool {
    call.user.as_ref().is_some_and(|user| user.grants.iter().any(|grant| grant.role == role))
}

fn need(call: &Call, role: Role) -> Result<(), Trouble> {
    if has(call, role) { Ok(()) } else { Err(Trouble::Forbidden) }
}

fn state_words(w: &Words, state: YearState) -> (String, &'static str) {
    match state {
        YearState::Open => (w.text("office-year-is-open"), "good"),
        YearState::Ended => (w.text("office-year-is-ended"), ""),
    }
}

/// GET /office/year
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    let w = call.words();
    let row = |year: &YearParameters| {
        let (state, class) = state_words(w, year.state);
        let rules = &year.parameters;
        let window = format!(
            "{} – {}",
            w.date(&rules.window_from),
            w.date(&keis_ledger::time::Timestamp(rules.window_until.0 - 1))
        );
        Row { year: year.year.to_string(), state, class, amount: w.money(&rules.amount_per_pupil), window }
    };
    let years = site.years().await?.iter().rev().map(row).collect();
    let f = call.frame(&site, Section::Year, w.text("office-years-title")).await?;
    page(&YearsPage { f, years, may_open: has(&call, Role::BudgetOfficer) })
}

/// GET /office/year/open
pub(super) async fn open_form(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    need(&call, Role::BudgetOfficer)?;
    let w = call.words();
    let years = site.years().await?;
    let this_year = u16::try_from(w.local(&site.now().await?).year()).unwrap_or_default();
    let pupils = people::enrolled(&mut *site.registry.reader().await?).await?;
    let fields = year_form::prefilled(years.last(), this_year, pupils);
    opening(&site, &call, &fields, &Problems::default()).await
}

async fn opening(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let f = call.frame(site, Section::Year, w.text("office-year-open-title")).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    page_with(status, &OpenPage { f, form: year_form::form(w, fields, problems) })
}

/// POST /office/year/open: first shows what would be minted, then does it.
pub(super) async fn open(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageYear).await?;
    need(&call, Role::BudgetOfficer)?;
    let w = call.words();
    let new = match year_form::read(&call.form) {
        Ok(new) => new,
        Err(problems) => return opening(&site, &call, &call.form, &problems).await,
    };
    if call.form.get("sure").is_none() {
        let f = call.frame(&site, Section::Year, w.text("office-year-confirm-title")).await?;
        return page(&ConfirmPage { f, facts: facts(w, &new), fields: call.form.0.clone() });
    }
    let year = new.year;
    let NewYear { parameters, budget, reserve, .. } = new;
    let operation = Operation::Funds(FundsOperation::OpenYear { year, parameters, budget, reserve });
    let id = acts::enqueue(&site, &acting, New::of(Office::BudgetHolder, "open_year", operation)).await?;
    let done = acts::settle(&site, &call, id, &w.with1("office-year-opened", "year", &year.to_string())).await?;
    // Whoever may not see the outbox reads on the list of years what became of it.
    redirect(&if done { format!("/office/year/{year}") } else { "/office/year".to_owned() })
}

/// What the officer should read before money is minted.
fn facts(w: &Words, new: &NewYear) -> Vec<(String, String)> {
    let mut facts = vec![
        (w.text("office-year-year"), new.year.to_string()),
        (w.text("office-year-budget"), w.money(&new.budget)),
        (w.text("office-year-reserve"), w.money(&new.reserve)),
    ];
    facts.extend(rules(w, &new.parameters));
    facts
}

pub(super) fn rules(w: &Words, rules: &keis_ledger::parameters::ProgrammeParameters) -> Vec<(String, String)> {
    let last = |at: &keis_ledger::time::Timestamp| w.date(&keis_ledger::time::Timestamp(at.0.saturating_sub(1)));
    let days = |span: &keis_ledger::time::Span| w.count("count-days", span.0 / (24 * 60 * 60 * 1000));
    let share = |share: &keis_ledger::money::BasisPoints| terms::share(w, *share);
    let grades = format!("{}–{}", rules.own_key_grades.from, rules.own_key_grades.until);
    let arrivals = w.text(&format!("office-arrivals-{}", year_form::arrivals_name(rules.arrivals)));
    let lines = [
        ("office-year-amount", w.money(&rules.amount_per_pupil)),
        ("office-year-from", w.date(&rules.window_from)),
        ("office-year-until", last(&rules.window_until)),
        ("office-year-register", last(&rules.register_until)),
        ("office-year-arrivals", arrivals),
        ("office-year-hold", days(&rules.hold_expiry)),
        ("office-year-change", days(&rules.free_change)),
        ("office-year-cancel", days(&rules.free_cancel)),
        ("office-year-attendance", w.count("count-days", u64::from(rules.attendance_days))),
        ("office-year-settlement", days(&rules.settlement_period)),
        ("office-year-late", share(&rules.late_share)),
        ("office-year-absence", share(&rules.absence_share)),
        ("office-year-minimum", share(&rules.minimum_share)),
        ("office-year-grades", grades),
    ];
    lines.into_iter().map(|(key, value)| (w.text(key), value)).collect()
}

/// GET /office/year/{year}
pub(super) async fn show(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageYear).await?;
    one(&site, &call, &Fields::default(), &Problems::default()).await
}

async fn one(site: &Arc<Site>, call: &Call, fields: &Fields, problems: &Problems) -> Answer {
    let w = call.words();
    let year = Year(call.part(0)?);
    let rules_of = site.years().await?.into_iter().find(|known| known.year == year).ok_or(Trouble::NotFound)?;
    let funds = site.client.funds(year).await?.ok_or(Trouble::NotFound)?;
    let counts = wallets::counts(&site.registry, year).await?;
    let count = |state| counts.get(&state).copied().unwrap_or_default();
    let progress = Progress {
        drawn: count(WalletState::Drawn),
        opened: count(WalletState::Opened),
        allocated: count(WalletState::Allocated),
        closed: count(WalletState::Closed),
        all: counts.values().sum(),
        funded: count(WalletState::Allocated) + count(WalletState::Closed),
    };
    let running = call.query.ticked("follow") && progress.funded < progress.all;
    let search = call.query.get("q").or(fields.get("q")).unwrap_or_default().to_owned();
    let form = school_money_form(site, call, year, &search, (fields, problems)).await?;
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let f = call.frame(site, Section::Year, w.with1("office-year-title", "year", &year.to_string())).await?;
    let shown = YearPage {
        f,
        year: year.to_string(),
        is_open: funds.state == YearState::Open,
        balanced: funds.balanced && funds.money.balances(),
        classes: classes(w, &funds.money.state, &funds.money.school),
        rules: rules(w, &rules_of.parameters),
        progress,
        running,
        is_officer: has(call, Role::Officer),
        is_budget_officer: has(call, Role::BudgetOfficer),
        may_end: site.now().await? >= rules_of.parameters.window_until,
        ends: w.date(&rules_of.parameters.window_until),
        form,
        search,
    };
    page_with(status, &shown)
}

async fn school_money_form(
    site: &Arc<Site>,
    call: &Call,
    year: Year,
    search: &str,
    (fields, problems): (&Fields, &Problems),
) -> Result<Form, Trouble> {
    let w = call.words();
    let schools =
        if search.is_empty() { Vec::new() } else { site.registry.schools(search, &Page::first(50)).await?.items };
    let choices = schools.iter().map(|school| (school.id.to_string(), format!("{} ({})", school.name, school.code)));
    Ok(Builder::new(w, format!("/office/year/{year}/school-money"), "office-school-money-button", fields, problems)
        .once()
        .hidden("q", search)
        .select("school", "office-school-money-school", choices.collect())
        .number("paid", "office-school-money-amount")
        .done())
}

fn classes(w: &Words, state: &Totals, school: &Totals) -> Vec<Class> {
    let both: [(&str, Sum); 11] = [
        ("office-money-minted", |totals| totals.minted),
        ("office-money-budget", |totals| totals.budget),
        ("office-money-reserve", |totals| totals.reserve),
        ("office-money-pupils", |totals| totals.pupils),
        ("office-money-schools", |totals| totals.schools),
        ("office-money-held", |totals| totals.held),
        ("office-money-escrowed", |totals| totals.escrowed),
        ("office-money-providers", |totals| totals.providers),
        ("office-money-settlement", |totals| totals.settlement),
        ("office-money-paid", |totals| totals.paid),
        ("office-money-returned", |totals| totals.returned),
    ];
    let class =
        |(key, of): (&str, Sum)| Class { name: w.text(key), state: w.money(&of(state)), school: w.money(&of(school)) };
    both.into_iter().map(class).collect()
}

/// POST /office/year/{year}/wallets
pub(super) async fn open_wallets(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageYear).await?;
    need(&call, Role::Officer)?;
    let year = known_year(&site, &call).await?;
    keis_registry::import::open_wallets(&site.registry, &acting.actor(), year).await?;
    call.flash(Flash::good(call.words().text("office-wallets-opening"))).await?;
    redirect(&format!("/office/year/{year}?follow=yes"))
}

/// POST /office/year/{year}/allocate
pub(super) async fn allocate(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageYear).await?;
    need(&call, Role::Officer)?;
    let year = known_year(&site, &call).await?;
    keis_registry::import::allocate(&site.registry, &acting.actor(), year).await?;
    call.flash(Flash::good(call.words().text("office-wallets-allocating"))).await?;
    redirect(&format!("/office/year/{year}?follow=yes"))
}

async fn known_year(site: &Arc<Site>, call: &Call) -> Result<Year, Trouble> {
    let year = Year(call.part(0)?);
    let years = site.years().await?;
    years.iter().any(|known| known.year == year).then_some(year).ok_or(Trouble::NotFound)
}

/// POST /office/year/{year}/school-money
pub(super) async fn school_money(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageYear).await?;
    need(&call, Role::Officer)?;
    let w = call.words();
    let year = known_year(&site, &call).await?;
    let mut problems = Problems::default();
    let school = problems.need(&call.form, "school", "office-error-choice", |text| text.parse::<SchoolId>().ok());
    let positive = |text: &str| money(text).filter(|amount| !amount.is_zero());
    let amount = problems.need(&call.form, "paid", "office-error-money", positive);
    let (Some(school), Some(amount)) = (school, amount) else {
        return one(&site, &call, &call.form, &problems).await;
    };
    let school = site.registry.school(school).await?.ok_or(Trouble::NotFound)?;
    let operation = FundsOperation::RecordSchoolMoney { year, school: school.id, amount };
    let new = New::of(Office::Operator, "school_money", Operation::Funds(operation));
    let id = acts::enqueue_once(&site, &acting, &call.form, new).await?;
    let done = w.with("office-school-money-done", &[("amount", &w.money(&amount)), ("school", &school.name)]);
    acts::settle(&site, &call, id, &done).await?;
    redirect(&format!("/office/year/{year}"))
}

/// POST /office/year/{year}/end
pub(super) async fn end(site: Arc<Site>, call: Call) -> Answer {
    let acting = call.acting(Permission::ManageYear).await?;
    need(&call, Role::BudgetOfficer)?;
    let year = known_year(&site, &call).await?;
    if call.form.get("typed") != Some(year.to_string().as_str()) {
        return Err(Trouble::Malformed("office-year-end-typed"));
    }
    let new = New::of(Office::BudgetHolder, "end_year", Operation::Funds(FundsOperation::EndYear { year }));
    let id = acts::enqueue(&site, &acting, new).await?;
    acts::settle(&site, &call, id, &call.words().with1("office-year-ended", "year", &year.to_string())).await?;
    redirect(&format!("/office/year/{year}"))
}
