//! What the school should know: that an officer acted for it, that a key was decided on.

use std::sync::Arc;

use keis_ledger::ids::OrderId;
use keis_registry::Page;
use keis_registry::notices::NoticeKind;
use keis_registry::permission::Permission;

use super::{Desk, order_path};
use crate::call::{Answer, Call, redirect};
use crate::site::Site;
use crate::trouble::Trouble;
use crate::words::Words;

/// Notices that the start page shows; older ones follow when these are put aside.
const MOST: u32 = 10;

/// A notice as the start page shows it.
pub(super) struct NoticeLook {
    pub(super) seq: u64,
    pub(super) at: String,
    pub(super) text: String,
    pub(super) href: String,
}

pub(super) async fn notices(site: &Arc<Site>, desk: &Desk, w: &Words) -> Result<Vec<NoticeLook>, Trouble> {
    let found = site.registry.notices(desk.party(), &Page::first(MOST)).await?;
    let look = |notice: keis_registry::notices::Notice| NoticeLook {
        seq: notice.seq,
        at: w.date_time(&notice.at),
        text: w.text(key(notice.kind)),
        href: href(notice.kind, &notice.subject),
    };
    Ok(found.items.into_iter().map(look).collect())
}

fn key(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::OfficerActed => "school-notice-officer",
        NoticeKind::KeyApproved => "school-notice-key-approved",
        NoticeKind::KeyActive => "school-notice-key-active",
        NoticeKind::KeyRefused => "school-notice-key-refused",
        NoticeKind::KeyRevoked => "school-notice-key-revoked",
        NoticeKind::InvoiceRejected => "dispatch-notice-refused",
    }
}

/// Where more about it is seen; nowhere when the subject is no order.
fn href(kind: NoticeKind, subject: &str) -> String {
    match kind {
        NoticeKind::OfficerActed => subject.parse::<OrderId>().map(order_path).unwrap_or_default(),
        NoticeKind::KeyApproved | NoticeKind::KeyActive | NoticeKind::KeyRefused | NoticeKind::KeyRevoked => {
            "/wallet".to_owned()
        }
        NoticeKind::InvoiceRejected => String::new(),
    }
}

/// Puts a notice aside.
pub(super) async fn dismiss(site: Arc<Site>, call: Call) -> Answer {
    let desk = Desk::open(&site, &call, Permission::SeeClasses).await?;
    site.registry.dismiss(desk.party(), call.form.need("notice")?).await?;
    redirect("/school")
}
