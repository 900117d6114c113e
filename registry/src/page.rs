//! Pages of a list.

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The cursor that the page before gave as `next`; none for the first page.
    pub after: Option<u64>,
    /// Most items, at most [`Page::MOST`].
    pub limit: u32,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The items.
    pub items: Vec<T>,
    /// The cursor of the next page, if there is one.
    pub next: Option<u64>,
}

impl Page {
    /// Most items of one page.
    pub const MOST: u32 = 500;

    /// The first page.
    pub fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    fn size(&self) -> usize {
        self.limit.clamp(1, Self::MOST) as usize
    }

    /// How many rows to fetch: one more than the page holds says whether another follows.
    pub(crate) fn rows(&self) -> i64 {
        i64::from(self.limit.clamp(1, Self::MOST)) + 1
    }

    /// The page from fetched rows, with the cursor of an item.
    pub(crate) fn list<T>(&self, mut items: Vec<T>, cursor: impl Fn(&T) -> u64) -> Listed<T> {
        let more = items.len() > self.size();
        items.truncate(self.size());
        let next = items.last().filter(|_| more).map(cursor);
        Listed { items, next }
    }

    /// The page from rows that were fetched from this position on.
    pub(crate) fn follow<T>(&self, mut items: Vec<T>) -> Listed<T> {
        let more = items.len() > self.size();
        items.truncate(self.size());
        let next = more.then(|| self.after.unwrap_or(0) + items.len() as u64);
        Listed { items, next }
    }

    /// The page of a list that is in memory as a whole; the cursor is a position.
    pub(crate) fn part<T>(&self, items: Vec<T>) -> Listed<T> {
        let from = self.after.and_then(|from| usize::try_from(from).ok()).unwrap_or(0);
        let end = from.saturating_add(self.size());
        let next = (items.len() > end).then_some(end as u64);
        Listed { items: items.into_iter().skip(from).take(self.size()).collect(), next }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::first(100)
    }
}
