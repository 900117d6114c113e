//! What the pages say, in Lithuanian and English. Owns languages, messages, plurals, sums of money and local time; knows no page.
//!
//! Messages are Fluent files under `words/`. Fluent's own plural rules are wrong for Lithuanian ("22 kvitų"), so the category
//! is computed with ICU and handed to the message as `$category`, with the formatted number as `$n`.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use icu_collator::options::CollatorOptions;
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::{Locale, locale};
use icu_plurals::{PluralCategory, PluralRuleType, PluralRules};
use jiff::tz::TimeZone;
use keis_ledger::money::Cents;
use keis_ledger::time::Timestamp;
use rust_embed::RustEmbed;

/// Time zone of the programme: every deadline and session is told in it.
const ZONE: &str = "Europe/Vilnius";

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lang {
    /// Lithuanian.
    Lt,
    /// English.
    En,
}

/// Both languages.
pub const LANGS: [Lang; 2] = [Lang::Lt, Lang::En];

impl Lang {
    /// As in `lang` attributes and in the language's cookie.
    pub fn code(self) -> &'static str {
        match self {
            Self::Lt => "lt",
            Self::En => "en",
        }
    }

    /// The language of a code.
    pub fn of(code: &str) -> Option<Self> {
        LANGS.into_iter().find(|lang| lang.code() == code)
    }

    /// The language that a browser prefers; Lithuanian when it says nothing of either.
    pub fn preferred(accept_language: &str) -> Self {
        let named = accept_language.split(',').filter_map(|part| Self::of(part.trim().get(..2)?));
        named.into_iter().next().unwrap_or(Self::Lt)
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Lt => Self::En,
            Self::En => Self::Lt,
        }
    }

    /// The words of this language.
    pub fn words(self) -> &'static Words {
        match self {
            Self::Lt => &LITHUANIAN,
            Self::En => &ENGLISH,
        }
    }

    fn locale(self) -> Locale {
        match self {
            Self::Lt => locale!("lt"),
            Self::En => locale!("en"),
        }
    }
}

#[derive(RustEmbed)]
#[folder = "words"]
struct Files;

static LITHUANIAN: LazyLock<Words> = LazyLock::new(|| Words::read(Lang::Lt));
static ENGLISH: LazyLock<Words> = LazyLock::new(|| Words::read(Lang::En));

/// Messages and forms of one language.
pub struct Words {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
    plurals: PluralRules,
    collator: CollatorBorrowed<'static>,
    zone: TimeZone,
}

impl Words {
    fn read(lang: Lang) -> Self {
        let id = lang.code().parse().expect("the codes are language identifiers");
        let mut bundle = FluentBundle::new_concurrent(vec![id]);
        // The marks that keep text directions apart are not wanted where only Latin letters occur.
        bundle.set_use_isolating(false);
        for name in Files::iter().filter(|name| name.starts_with(lang.code())) {
            let file = Files::get(&name).expect("the embedded list names embedded files");
            let text = String::from_utf8(file.data.into_owned()).expect("a test reads every file");
            let resource = FluentResource::try_new(text).unwrap_or_else(|(_, errors)| panic!("{name}: {errors:?}"));
            bundle.add_resource(resource).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        }
        let preferences = lang.locale();
        let plurals = PluralRules::try_new((&preferences).into(), PluralRuleType::Cardinal.into());
        let collator = Collator::try_new((&preferences).into(), CollatorOptions::default());
        Self {
            lang,
            bundle,
            plurals: plurals.expect("the rules are compiled in"),
            collator: collator.expect("the order is compiled in"),
            zone: TimeZone::get(ZONE).expect("the zones are compiled in"),
        }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether there is a message of this key.
    pub fn has(&self, key: &str) -> bool {
        self.bundle.get_message(key).is_some_and(|message| message.value().is_some())
    }

    /// A message without arguments.
    pub fn text(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// A message with arguments.
    pub fn with(&self, key: &str, arguments: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        arguments.iter().for_each(|(name, value)| args.set((*name).to_owned(), (*value).to_owned()));
        self.format(key, Some(&args))
    }

    /// A message with one argument, for templates.
    pub fn with1(&self, key: &str, name: &str, value: &str) -> String {
        self.with(key, &[(name, value)])
    }

    /// A message that counts: `$category` is the plural category of `count`, `$n` the number.
    pub fn count<N: Copy + TryInto<u64>>(&self, key: &str, count: N) -> String {
        let count = count.try_into().unwrap_or_default();
        let (n, category) = (self.number(count), self.category(count));
        self.with(key, &[("category", category), ("n", &n)])
    }

    /// ICU's plural category of a number.
    pub fn category(&self, count: u64) -> &'static str {
        match self.plurals.category_for(count) {
            PluralCategory::Zero => "zero",
            PluralCategory::One => "one",
            PluralCategory::Two => "two",
            PluralCategory::Few => "few",
            PluralCategory::Many => "many",
            PluralCategory::Other => "other",
        }
    }

    /// A whole number with its thousands apart.
    pub fn number<N: Copy + TryInto<u64>>(&self, number: N) -> String {
        let digits = number.try_into().unwrap_or_default().to_string();
        let mut text = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                text.push(self.thousands());
            }
            text.push(digit);
        }
        text
    }

    /// A sum in euro: "1 234,50 €" or "€1,234.50".
    pub fn money(&self, cents: &Cents) -> String {
        let (euro, rest) = (self.number(cents.get() / 100), cents.get() % 100);
        match self.lang {
            Lang::Lt => format!("{euro},{rest:02}\u{a0}€"),
            Lang::En => format!("€{euro}.{rest:02}"),
        }
    }

    fn thousands(&self) -> char {
        match self.lang {
            Lang::Lt => '\u{a0}',
            Lang::En => ',',
        }
    }

    /// A day in local time, such as 2028-02-10: the same in both languages, as the country writes it.
    pub fn date(&self, at: &Timestamp) -> String {
        self.local(at).strftime("%Y-%m-%d").to_string()
    }

    /// A time of day, such as 09:30.
    pub fn time(&self, at: &Timestamp) -> String {
        self.local(at).strftime("%H:%M").to_string()
    }

    /// Day and time, such as 2028-02-10 09:30.
    pub fn date_time(&self, at: &Timestamp) -> String {
        self.local(at).strftime("%Y-%m-%d %H:%M").to_string()
    }

    /// Day of the week and date, such as "ketvirtadienis, 2028-02-10".
    pub fn weekday_date(&self, at: &Timestamp) -> String {
        let local = self.local(at);
        let name = self.text(&format!("weekday-{}", local.weekday().to_monday_one_offset()));
        format!("{name}, {}", local.strftime("%Y-%m-%d"))
    }

    /// An instant in local time, for calendars.
    pub fn local(&self, at: &Timestamp) -> jiff::Zoned {
        let millis = i64::try_from(at.0).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::MAX).to_zoned(self.zone.clone())
    }

    /// The instant of a local day and time as forms send them: `2028-02-10T09:30`.
    pub fn instant(&self, text: &str) -> Option<Timestamp> {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let millis = civil.to_zoned(self.zone.clone()).ok()?.timestamp().as_millisecond();
        u64::try_from(millis).ok().map(Timestamp)
    }

    /// The order of names in this language.
    pub fn compare(&self, one: &str, other: &str) -> Ordering {
        self.collator.compare(one, other)
    }

    /// Every message as it stands, of keys that begin with `prefix`: templates that a script fills in.
    pub fn templates(&self, prefix: &str) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for name in Files::iter().filter(|name| name.starts_with(self.lang.code())) {
            let file = Files::get(&name).expect("the embedded list names embedded files");
            let text = String::from_utf8_lossy(&file.data).into_owned();
            for key in text.lines().filter_map(|line| line.split_once(" =")).map(|(key, _)| key) {
                if key.starts_with(prefix) && self.has(key) {
                    all.push((key.to_owned(), self.text(key)));
                }
            }
        }
        all
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let pattern = self.bundle.get_message(key).and_then(|message| message.value());
        let Some(pattern) = pattern else {
            tracing::error!(key, lang = self.lang.code(), "a message is missing");
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text: Cow<'_, str> = self.bundle.format_pattern(pattern, args, &mut errors);
        if !errors.is_empty() {
            tracing::error!(key, lang = self.lang.code(), ?errors, "a message lacks an argument");
        }
        text.into_owned()
    }
}

/// Names of all message files and their text, for the tests.
pub fn files() -> Vec<(String, String)> {
    Files::iter()
        .filter_map(|name| {
            let file = Files::get(&name)?;
            Some((name.into_owned(), String::from_utf8_lossy(&file.data).into_owned()))
        })
        .collect()
}
