//! Schools and providers: found by name or code.

use std::sync::Arc;

use askama::Template;
use keis_registry::page::Page;
use keis_registry::permission::Permission;

use super::ROWS;
use crate::call::{Answer, Call, page};
use crate::catalogue::names;
use crate::frame::{Frame, Section};
use crate::site::Site;

/// A school or provider in the list.
struct Row {
    id: String,
    name: String,
    code: String,
    place: String,
    opened: bool,
}

#[derive(Template)]
#[template(path = "office/people.html")]
struct PeoplePage {
    f: Frame,
    q: String,
    providers: bool,
    rows: Vec<Row>,
    next: Option<String>,
}

/// GET /office/people
pub(super) async fn list(site: Arc<Site>, call: Call) -> Answer {
    call.acting(Permission::ManageBodies).await?;
    let w = call.words();
    let q = call.query.get("q").unwrap_or_default().to_owned();
    let providers = call.query.get("kind") == Some("providers");
    let wanted = Page { after: call.query.parse("after")?, limit: ROWS };
    let (rows, after) = if providers {
        let listed = site.registry.providers(&q, &wanted).await?;
        let row = |provider: keis_registry::bodies::Provider| Row {
            id: provider.id.to_string(),
            name: provider.name,
            code: provider.code,
            place: names::place(w, provider.place),
            opened: provider.opened,
        };
        (listed.items.into_iter().map(row).collect(), listed.next)
    } else {
        let listed = site.registry.schools(&q, &wanted).await?;
        let row = |school: keis_registry::bodies::School| Row {
            id: school.id.to_string(),
            name: school.name,
            code: school.code,
            place: names::place(w, school.place),
            opened: school.opened,
        };
        (listed.items.into_iter().map(row).collect(), listed.next)
    };
    let next = after.map(|after| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let kind = if providers { "providers" } else { "schools" };
        query.append_pair("kind", kind).append_pair("q", &q).append_pair("after", &after.to_string());
        format!("/office/people?{}", query.finish())
    });
    let f = call.frame(&site, Section::People, w.text("office-people-title")).await?;
    page(&PeoplePage { f, q, providers, rows, next })
}
