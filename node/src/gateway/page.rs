//! Lists in pages: in an order that no change of the ledger shifts, mostly that of ids.

use std::str::FromStr;
use std::sync::Arc;

use keis_ledger::chain::Height;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use super::call::Call;
use super::index::Content;
use super::problem::Problem;
use crate::view::View;

/// Most items in one page.
pub(super) const MOST: usize = 500;
/// Items in a page when nothing is asked for.
const USUAL: usize = 100;
/// Most parts, such as lines of orders, in one page, so that no page is long.
const MOST_PARTS: usize = 10_000;
/// How often a list is read again when a block came in between.
const ATTEMPTS: u32 = 4;

/// Part of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Page<T: ToSchema> {
    /// Height at which it was read.
    #[schema(value_type = u64)]
    height: Height,
    /// The items, in the order of the list.
    items: Vec<T>,
    /// `cursor` of the next page; absent when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part<Id> {
    /// After this one.
    pub(super) cursor: Option<Id>,
    limit: usize,
}

impl<Id: FromStr + Copy + Ord + ToString> Part<Id> {
    /// What a call asks for by `cursor` and `limit`.
    pub(super) fn of(call: &Call) -> Result<Self, Problem> {
        let limit: usize = call.parameter("limit")?.unwrap_or(USUAL);
        if limit == 0 || limit > MOST {
            return Err(Problem::malformed(format!("`limit` is 1 to {MOST}")));
        }
        let wrong = |_| Problem::malformed("`cursor` is not one of an answer before");
        let cursor = call.text("cursor").map(str::parse).transpose().map_err(wrong)?;
        Ok(Self { cursor, limit })
    }

    /// The page of those ids, ascending, of which `item` makes something, with the number of its parts.
    pub(super) fn page<T: ToSchema>(
        &self,
        height: Height,
        ids: impl Iterator<Item = Id>,
        item: impl FnMut(Id) -> Option<(T, usize)>,
    ) -> Page<T> {
        self.in_order(height, ids.filter(|id| self.cursor.is_none_or(|cursor| cursor < *id)), item)
    }

    /// The same of ids in an order of their own, from the one after the cursor on.
    pub(super) fn in_order<T: ToSchema>(
        &self,
        height: Height,
        ids: impl Iterator<Item = Id>,
        mut item: impl FnMut(Id) -> Option<(T, usize)>,
    ) -> Page<T> {
        let (mut items, mut parts, mut last, mut next) = (Vec::new(), 0usize, None, None);
        for id in ids {
            let Some((one, size)) = item(id) else { continue };
            let full = items.len() == self.limit || parts.saturating_add(size) > MOST_PARTS;
            if full && !items.is_empty() {
                next = last.map(|last: Id| last.to_string());
                break;
            }
            items.push(one);
            parts = parts.saturating_add(size);
            last = Some(id);
        }
        Page { height, items, next }
    }
}

impl Context {
    /// Reads the index and the state of one height together, off the executor.
    pub(super) async fn list<T, F>(&self, read: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: Fn(&Content, &View) -> T + Send + Sync + 'static,
    {
        let read = Arc::new(read);
        let mut attempt = 1;
        loop {
            let view = self.view();
            self.index.reached(view.height()).await?;
            let (index, read) = (self.index.clone(), read.clone());
            let done = self.work(move || {
                index.with(|content| {
                    // The last attempt takes what there is: a wallet may then be missing that moves at this very moment.
                    let level = content.height == view.height() || attempt == ATTEMPTS;
                    level.then(|| read(content, &view))
                })
            });
            if let Some(done) = done.await? {
                return Ok(done);
            }
            attempt += 1;
        }
    }
}
