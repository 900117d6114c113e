//! Who has not been anywhere this year, class by class, with what is left for them.

use std::sync::Arc;

use askama::Template;
use keis_registry::permission::Permission;

use super::Desk;
use super::classes::{MemberRow, Visits, left, member_row};
use super::roll::{self, Member};
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;

#[derive(Template)]
#[template(path = "school/unreached.html")]
struct UnreachedPage {
    f: Frame,
    summary: String,
    left: String,
    classes: Vec<UnreachedClass>,
    only_unbooked: bool,
    can_order: bool,
}

struct UnreachedClass {
    label: String,
    href: String,
    count: String,
    left: String,
    rows: Vec<MemberRow>,
}

pub(super) async fn unreached(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let only_unbooked = call.query.ticked("unbooked");
    let f = call.frame(&site, Section::Unreached, call.words().text("school-unreached-title")).await?;
    let f = f.with_scripts(&["page.js", "school.js"]);
    let wallets = roll::wallets(&site, &desk).await?;
    let visits = Visits::of(&site, &desk).await?;
    let wanted =
        |member: &Member| member.last(desk.now).is_none() && !(only_unbooked && member.next(desk.now).is_some());
    let mut everybody: Vec<Member> = Vec::new();
    let mut classes = Vec::new();
    let mut enrolled = 0;
    for (key, _, members) in roll::school(&site, &desk, &wallets).await? {
        enrolled += members.len();
        let members: Vec<Member> = members.into_iter().filter(wanted).collect();
        if members.is_empty() {
            continue;
        }
        classes.push(UnreachedClass {
            label: key.label(f.w),
            href: key.href(),
            count: f.w.count("count-pupils", members.len()),
            left: f.w.money(&left(members.iter())),
            rows: members.iter().map(|member| member_row(&site, f.w, &desk, &visits, member)).collect(),
        });
        everybody.extend(members);
    }
    let of = f.w.number(enrolled);
    let until = f.w.date(&desk.parameters.window_until);
    let found = f.w.count("count-pupils", everybody.len());
    let shown = UnreachedPage {
        summary: f.w.with("school-unreached-summary", &[("found", &found), ("of", &of)]),
        left: f.w.with("school-unreached-left", &[("left", &f.w.money(&left(everybody.iter()))), ("until", &until)]),
        classes,
        only_unbooked,
        can_order: desk.may(Permission::ProposeOrder),
        f,
    };
    page(&shown)
}
