//! Ticking who was absent: the report of a delivery, its correction, and the list to print.

use std::sync::Arc;

use askama::Template;
use keis_ledger::classifiers::Scope;
use keis_ledger::ids::OrderId;
use keis_ledger::operation::{Change, OrderAction};
use keis_registry::permission::Permission;
use keis_wallet::client::OrderView;

use super::order::{LineRow, line_labels, lines, names};
use super::rows::{OrderRow, rows};
use super::{INTENT, Own, Sheet, act, find_order, own, rules, sign};
use crate::call::{Answer, Call, page, redirect};
use crate::frame::{Flash, Frame, Section};
use crate::public::terms;
use crate::site::Site;
use crate::trouble::Trouble;

/// Which list is ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum List {
    Report,
    Correction,
}

impl List {
    fn title(self) -> &'static str {
        match self {
            Self::Report => "provider-report",
            Self::Correction => "provider-amend-attendance",
        }
    }

    fn intent(self) -> &'static str {
        match self {
            Self::Report => "order.report_delivery",
            Self::Correction => "order.amend_attendance",
        }
    }

    fn part(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Correction => "attendance",
        }
    }

    fn may(self, may: &rules::May) -> bool {
        match self {
            Self::Report => may.report,
            Self::Correction => may.amend_attendance,
        }
    }

    fn action(self, absent: Vec<u16>) -> OrderAction {
        match self {
            Self::Report => OrderAction::ReportDelivery { absent },
            Self::Correction => OrderAction::ProposeChange(Change::Attendance { absent }),
        }
    }
}

#[derive(Template)]
#[template(path = "provider/tick.html")]
struct Tick {
    f: Frame,
    id: OrderId,
    tail: String,
    part: &'static str,
    intent: &'static str,
    row: OrderRow,
    how: String,
    costs: String,
    lines: Vec<LineRow>,
}

#[derive(Template)]
#[template(path = "provider/print.html")]
struct Print {
    f: Frame,
    id: OrderId,
    row: OrderRow,
    lines: Vec<LineRow>,
}

/// An order with the names of who takes part.
struct Listed {
    own: Own,
    view: OrderView,
    row: OrderRow,
    lines: Vec<LineRow>,
}

async fn listed(site: &Site, call: &Call) -> Result<Listed, Trouble> {
    let own = own(call, Permission::ReportDelivery).await?;
    let view = find_order(site, call, &own).await?;
    let row = rows(site, call.lang, std::slice::from_ref(&view)).await?.pop().ok_or(Trouble::NotFound)?;
    let names = names(site, &own, &view).await?;
    let lines = lines(call.words(), &view, &names);
    Ok(Listed { own, view, row, lines })
}

async fn form(site: Arc<Site>, call: Call, list: List) -> Answer {
    let Listed { view, row, lines, .. } = listed(&site, &call).await?;
    let w = call.words();
    if !list.may(&rules::may_with(&view, site.now().await?)) {
        call.flash(Flash::bad(w.text("provider-too-late"))).await?;
        return redirect(&row.href);
    }
    let (due, _) = rules::absent_costs(&view.order);
    let costs = [
        ("price", w.money(&view.order.price)),
        ("due", w.money(&due)),
        ("least", terms::share(w, view.order.rules.minimum_share)),
    ];
    let costs = w.with("provider-absent-costs", &costs.each_ref().map(|(name, value)| (*name, value.as_str())));
    let how = match list {
        List::Report => w.text("provider-report-how"),
        List::Correction => w.text("provider-amend-attendance-how"),
    };
    let f = call.frame(&site, Section::Requests, w.text(list.title())).await?.with_scripts(INTENT);
    let lines = lines.into_iter().filter(|line| line.takes_part).collect();
    let (part, intent, tail) = (list.part(), list.intent(), format!("?year={}", view.year));
    page(&Tick { f, id: view.id, tail, part, intent, row, how, costs, lines })
}

async fn send(site: Arc<Site>, call: Call, list: List) -> Answer {
    let Listed { own, view, row, lines } = listed(&site, &call).await?;
    let w = call.words();
    if call.form.need::<OrderId>("order")? != view.id {
        return Err(Trouble::Malformed("trouble-field"));
    }
    if !list.may(&rules::may_with(&view, site.now().await?)) {
        call.flash(Flash::bad(w.text("provider-too-late"))).await?;
        return redirect(&row.href);
    }
    let mut absent: Vec<u16> = call.form.each("absent")?;
    absent.sort_unstable();
    absent.dedup();
    let known = |index: &u16| lines.get(usize::from(*index)).is_some_and(|line| line.takes_part);
    if !absent.iter().all(known) {
        return Err(Trouble::Malformed("trouble-field"));
    }
    let mut labels = line_labels(view.id, &lines);
    labels.push((view.id.to_string(), row.label.clone()));
    let sheet = Sheet {
        title: w.text(list.title()),
        operations: vec![act(&view, list.action(absent))],
        labels,
        scope: Scope::Attendance,
        next: row.href,
        warnings: Vec::new(),
    };
    sign(&site, &call, &own, sheet).await
}

pub(super) async fn report(site: Arc<Site>, call: Call) -> Answer {
    form(site, call, List::Report).await
}

pub(super) async fn send_report(site: Arc<Site>, call: Call) -> Answer {
    send(site, call, List::Report).await
}

pub(super) async fn attendance(site: Arc<Site>, call: Call) -> Answer {
    form(site, call, List::Correction).await
}

pub(super) async fn send_attendance(site: Arc<Site>, call: Call) -> Answer {
    send(site, call, List::Correction).await
}

pub(super) async fn print(site: Arc<Site>, call: Call) -> Answer {
    let Listed { view, row, lines, .. } = listed(&site, &call).await?;
    if !rules::names_shown(view.order.state) {
        return redirect(&row.href);
    }
    let mut lines: Vec<LineRow> = lines.into_iter().filter(|line| line.takes_part).collect();
    let w = call.words();
    lines.sort_by(|one, other| one.class.cmp(&other.class).then_with(|| w.compare(&one.name, &other.name)));
    let f = call.frame(&site, Section::Requests, row.title.clone()).await?.with_scripts(INTENT);
    page(&Print { f, id: view.id, row, lines })
}
