//! Who has not been anywhere this year, class by class, with what is left for them.

use std::sync::Arc;

use askama::Template;
use keis_registry::permission::Permission;

use super::Desk;
use super::classes::{MemberRow, Visits, left, member_row};
use super::order_list::Pages;
use super::roll::{self, ClassKey, Member};
use crate::call::{Answer, Call, page};
use crate::frame::{Frame, Section};
use crate::site::Site;
use crate::trouble::Trouble;

/// Pupils of a page; a class is seldom larger.
const ROWS: usize = 40;

#[derive(Template)]
#[template(path = "school/unreached.html")]
struct UnreachedPage {
    f: Frame,
    summary: String,
    left: String,
    options: Vec<ClassOption>,
    classes: Vec<UnreachedClass>,
    pages: Option<Pages>,
    only_unbooked: bool,
    can_order: bool,
}

struct ClassOption {
    key: String,
    label: String,
    chosen: bool,
}

/// A class, as far as it is on this page.
struct UnreachedClass {
    label: String,
    href: String,
    count: String,
    left: String,
    whole: bool,
    rows: Vec<MemberRow>,
}

/// What of the list is wanted.
struct Wanted {
    only_unbooked: bool,
    class: Option<ClassKey>,
    page: usize,
}

impl Wanted {
    fn read(call: &Call) -> Result<Self, Trouble> {
        let page = call.query.parse("page")?.unwrap_or(1);
        Ok(Self { only_unbooked: call.query.ticked("unbooked"), class: call.query.parse("class")?, page })
    }

    fn holds(&self, desk: &Desk, member: &Member) -> bool {
        member.last(desk.now).is_none() && !(self.only_unbooked && member.next(desk.now).is_some())
    }

    /// Address of a page of the same list.
    fn at(&self, page: usize) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if self.only_unbooked {
            query.append_pair("unbooked", "1");
        }
        if let Some(class) = &self.class {
            query.append_pair("class", &class.to_string());
        }
        query.append_pair("page", &page.to_string());
        format!("/school/unreached?{}", query.finish())
    }
}

pub(super) async fn unreached(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    let mut wanted = Wanted::read(&call)?;
    let f = call.frame(&site, Section::Unreached, call.words().text("school-unreached-title")).await?;
    let f = f.with_scripts(&["page.js", "school.js"]);
    let wallets = roll::wallets(&site, &desk).await?;
    let visits = Visits::of(&site, &desk).await?;
    let mut school = roll::school(&site, &desk, &wallets).await?;
    if let Some(class) = &wanted.class
        && !school.iter().any(|(key, _, _)| key == class)
    {
        return Err(Trouble::NotFound);
    }
    let options = school.iter().map(|(key, _, _)| ClassOption {
        key: key.to_string(),
        label: key.label(f.w),
        chosen: wanted.class.as_ref() == Some(key),
    });
    let options = options.collect();
    school.retain(|(key, _, _)| wanted.class.as_ref().is_none_or(|class| key == class));
    let of: usize = school.iter().map(|(_, _, members)| members.len()).sum();
    for (_, _, members) in &mut school {
        members.retain(|member| wanted.holds(&desk, member));
    }
    let everybody = || school.iter().flat_map(|(_, _, members)| members);
    let found = everybody().count();
    let last = found.div_ceil(ROWS).max(1);
    wanted.page = wanted.page.clamp(1, last);
    let classes = parts(&school, (wanted.page - 1) * ROWS).into_iter().map(|(key, members, shown)| UnreachedClass {
        label: key.label(f.w),
        href: key.href(),
        count: f.w.count("count-pupils", members.len()),
        left: f.w.money(&left(members.iter())),
        whole: shown.len() == members.len(),
        rows: shown.iter().map(|member| member_row(&site, f.w, &desk, &visits, member)).collect(),
    });
    let (found, of) = (f.w.count("count-pupils", found), f.w.number(of));
    let until = f.w.date(&desk.parameters.window_until);
    let shown = UnreachedPage {
        summary: f.w.with("school-unreached-summary", &[("found", &found), ("of", &of)]),
        left: f.w.with("school-unreached-left", &[("left", &f.w.money(&left(everybody()))), ("until", &until)]),
        options,
        classes: classes.collect(),
        pages: Pages::of(f.w, wanted.page, last, |page| wanted.at(page)),
        only_unbooked: wanted.only_unbooked,
        can_order: desk.may(Permission::ProposeOrder),
        f,
    };
    page(&shown)
}

/// The classes of a page that begins after so many pupils: each with all its pupils and those who are on the page.
fn parts<M>(school: &[(ClassKey, u8, Vec<M>)], mut skip: usize) -> Vec<(&ClassKey, &[M], &[M])> {
    let mut room = ROWS;
    let mut parts = Vec::new();
    for (key, _, members) in school {
        let from = skip.min(members.len());
        let until = (from + room).min(members.len());
        skip -= from;
        room -= until - from;
        if from < until {
            parts.push((key, &members[..], &members[from..until]));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_together_show_everybody_once() {
        let class = |name: &str, count: u32| {
            (ClassKey { branch: 0, class: name.to_owned() }, 5, (0..count).collect::<Vec<u32>>())
        };
        let school = [class("5a", 30), class("5b", 0), class("6a", 25), class("6b", 100)];
        let mut seen = Vec::new();
        for page in 0..4 {
            let parts = parts(&school, page * ROWS);
            let rows: usize = parts.iter().map(|(_, _, shown)| shown.len()).sum();
            assert_eq!(rows, ROWS.min(155 - page * ROWS));
            seen.extend(parts.iter().flat_map(|(key, _, shown)| shown.iter().map(|one| (key.class.clone(), *one))));
        }
        let all: Vec<(String, u32)> =
            school.iter().flat_map(|(key, _, members)| members.iter().map(|one| (key.class.clone(), *one))).collect();
        assert_eq!(seen, all);
        assert!(parts(&school, 155).is_empty() && parts(&school, 1_000).is_empty());
    }
}
