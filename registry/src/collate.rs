//! Lithuanian order of names. The databases would sort by bytes.

use std::cmp::Ordering;
use std::sync::LazyLock;

use icu_collator::CollatorBorrowed;
use icu_collator::options::CollatorOptions;
use icu_locale_core::locale;

static COLLATOR: LazyLock<CollatorBorrowed<'static>> = LazyLock::new(|| {
    icu_collator::Collator::try_new(locale!("lt").into(), CollatorOptions::default())
        .expect("the data of the Lithuanian order are compiled in")
});

/// Compares names as a Lithuanian reader expects them.
pub fn names(left: &str, right: &str) -> Ordering {
    COLLATOR.compare(left, right)
}

/// Whether `text` holds `wanted`, in whatever case.
pub(crate) fn holds(text: &str, wanted: &str) -> bool {
    text.to_lowercase().contains(wanted)
}
