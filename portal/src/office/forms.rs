//! Forms as data: every field with its label, hint and error, so that all of them are marked up in the same accessible way.

use std::str::FromStr;

use keis_ledger::money::{BasisPoints, Cents};
use keis_wallet::random::random_bytes;

use crate::call::Fields;
use crate::words::Words;

/// Name of a form's own number.
pub(crate) const ONCE: &str = "once";

/// What is wrong with a form: the field and the key of the sentence that says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problems(pub(crate) Vec<(&'static str, &'static str)>);

impl Problems {
    /// Notes a problem.
    pub(crate) fn add(&mut self, field: &'static str, key: &'static str) {
        self.0.push((field, key));
    }

    /// Whether the form may be taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A value that must be there and of its form; a problem is noted otherwise.
    pub(crate) fn need<T>(
        &mut self,
        fields: &Fields,
        name: &'static str,
        key: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = fields.get(name).and_then(read);
        if value.is_none() {
            self.add(name, if fields.get(name).is_none() { "office-error-empty" } else { key });
        }
        value
    }

    fn of(&self, name: &str) -> Option<&'static str> {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, key)| *key)
    }
}

/// A choice of a list.
pub(crate) struct Choice {
    /// What is sent.
    pub(crate) value: String,
    /// What people read.
    pub(crate) label: String,
    /// Whether it is chosen.
    pub(crate) chosen: bool,
}

/// How a field is filled in.
pub(crate) enum Control {
    /// One line; `kind` is the input's type, `mode` its keyboard.
    Line { value: String, kind: &'static str, mode: &'static str },
    /// Several lines.
    Area { value: String, rows: u8 },
    /// One of a list.
    Select { choices: Vec<Choice> },
    /// Any of a list.
    Ticks { choices: Vec<Choice> },
    /// Yes or no.
    Tick { ticked: bool },
}

/// A field.
pub(crate) struct Input {
    /// Its name, and its id on the page.
    pub(crate) name: &'static str,
    /// Its label.
    pub(crate) label: String,
    /// What should be known before filling it in.
    pub(crate) hint: Option<String>,
    /// What is wrong with it.
    pub(crate) error: Option<String>,
    /// How it is filled in.
    pub(crate) control: Control,
}

impl Input {
    /// Ids of what describes the field.
    pub(crate) fn described_by(&self) -> String {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let error = self.error.as_ref().map(|_| format!("{}-error", self.name));
        hint.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// Fields that belong together.
pub(crate) struct Group {
    /// What they are about; none for a form of one group.
    pub(crate) legend: Option<String>,
    /// The fields.
    pub(crate) inputs: Vec<Input>,
}

/// A form.
pub(crate) struct Form {
    /// Where it is sent.
    pub(crate) action: String,
    /// What its button says.
    pub(crate) button: String,
    /// Its fields.
    pub(crate) groups: Vec<Group>,
    /// Values that are sent along unseen.
    pub(crate) hidden: Vec<(&'static str, String)>,
    /// Problems that belong to no field.
    pub(crate) general: Vec<String>,
    /// What is signed next, for a form that leads to a signature: see the wallet's room.
    pub(crate) intent: Option<&'static str>,
}

impl Form {
    /// Every problem with the id of its field, for the summary.
    pub(crate) fn errors(&self) -> Vec<(&'static str, &str)> {
        let inputs = self.groups.iter().flat_map(|group| &group.inputs);
        inputs.filter_map(|input| input.error.as_deref().map(|error| (input.name, error))).collect()
    }
}

/// Makes a form from what was filled in so far.
pub(crate) struct Builder<'a> {
    w: &'static Words,
    fields: &'a Fields,
    problems: &'a Problems,
    form: Form,
}

impl<'a> Builder<'a> {
    /// A form that is sent to `action`.
    pub(crate) fn new(
        w: &'static Words,
        action: impl Into<String>,
        button: &str,
        fields: &'a Fields,
        problems: &'a Problems,
    ) -> Self {
        let groups = Vec::new();
        let general = problems.0.iter().filter(|(field, _)| field.is_empty()).map(|(_, key)| w.text(key)).collect();
        let form =
            Form { action: action.into(), button: w.text(button), groups, hidden: Vec::new(), general, intent: None };
        Self { w, fields, problems, form }
    }

    /// The form leads to a signature of this.
    pub(crate) fn signs(mut self, intent: &'static str) -> Self {
        self.form.intent = Some(intent);
        self
    }

    /// Begins a group.
    pub(crate) fn group(mut self, legend: Option<&str>) -> Self {
        self.form.groups.push(Group { legend: legend.map(|key| self.w.text(key)), inputs: Vec::new() });
        self
    }

    /// A value that is sent along.
    pub(crate) fn hidden(mut self, name: &'static str, value: impl ToString) -> Self {
        self.form.hidden.push((name, value.to_string()));
        self
    }

    /// A number of its own, so that the form sent twice is told from two forms alike.
    pub(crate) fn once(self) -> Self {
        let kept = self.fields.get(ONCE).map(str::to_owned);
        self.hidden(ONCE, kept.unwrap_or_else(|| hex::encode(random_bytes::<16>())))
    }

    /// One line of text.
    pub(crate) fn line(self, name: &'static str, label: &str) -> Self {
        self.typed(name, label, "text", "text")
    }

    /// An amount, number or share.
    pub(crate) fn number(self, name: &'static str, label: &str) -> Self {
        self.typed(name, label, "text", "decimal")
    }

    /// A day.
    pub(crate) fn date(self, name: &'static str, label: &str) -> Self {
        self.typed(name, label, "date", "numeric")
    }

    /// A day and a time of day.
    pub(crate) fn date_time(self, name: &'static str, label: &str) -> Self {
        self.typed(name, label, "datetime-local", "numeric")
    }

    /// Several lines of text.
    pub(crate) fn area(self, name: &'static str, label: &str, rows: u8) -> Self {
        let value = self.value(name);
        self.input(name, label, Control::Area { value, rows })
    }

    /// One of a list of values with their labels.
    pub(crate) fn select(self, name: &'static str, label: &str, choices: Vec<(String, String)>) -> Self {
        let chosen = self.value(name);
        let choice = |(value, label): (String, String)| Choice { chosen: value == chosen, value, label };
        let choices = choices.into_iter().map(choice).collect();
        self.input(name, label, Control::Select { choices })
    }

    /// Any of a list of values with their labels.
    pub(crate) fn ticks(self, name: &'static str, label: &str, choices: Vec<(String, String)>) -> Self {
        let all: Vec<&str> = self.fields.all(name).collect();
        let choice = |(value, label): (String, String)| Choice { chosen: all.contains(&value.as_str()), value, label };
        let choices = choices.into_iter().map(choice).collect();
        self.input(name, label, Control::Ticks { choices })
    }

    /// A box to tick.
    pub(crate) fn tick(self, name: &'static str, label: &str) -> Self {
        let ticked = self.fields.ticked(name);
        self.input(name, label, Control::Tick { ticked })
    }

    /// The form.
    pub(crate) fn done(self) -> Form {
        self.form
    }

    fn typed(self, name: &'static str, label: &str, kind: &'static str, mode: &'static str) -> Self {
        let value = self.value(name);
        self.input(name, label, Control::Line { value, kind, mode })
    }

    fn value(&self, name: &str) -> String {
        self.fields.get(name).unwrap_or_default().to_owned()
    }

    fn input(mut self, name: &'static str, label: &str, control: Control) -> Self {
        let hint = format!("{label}-hint");
        let hint = self.w.has(&hint).then(|| self.w.text(&hint));
        let error = self.problems.of(name).map(|key| self.w.text(key));
        let input = Input { name, label: self.w.text(label), hint, error, control };
        if self.form.groups.is_empty() {
            self = self.group(None);
        }
        self.form.groups.last_mut().expect("a group was begun above").inputs.push(input);
        self
    }
}

/// An amount as people write it: `14`, `14,5`, `1 234,50 €`.
pub(crate) fn money(text: &str) -> Option<Cents> {
    hundredths(text.trim().trim_end_matches('€').trim_start_matches('€')).map(Cents::new)
}

/// A share of the whole in per cent: `50`, `33,5 %`.
pub(crate) fn share(text: &str) -> Option<BasisPoints> {
    BasisPoints::new(u16::try_from(hundredths(text.trim().trim_end_matches('%'))?).ok()?)
}

/// A number as its type reads it.
pub(crate) fn number<T: FromStr>(text: &str) -> Option<T> {
    let digits: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    digits.parse().ok()
}

/// How an amount or share is filled in: two decimals, a comma.
pub(crate) fn written(hundredths: u64) -> String {
    format!("{},{:02}", hundredths / 100, hundredths % 100)
}

fn hundredths(text: &str) -> Option<u64> {
    let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let (whole, rest) = text.split_once([',', '.']).unwrap_or((&text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(rest) || rest.len() > 2 {
        return None;
    }
    let rest: u64 = if rest.is_empty() { 0 } else { format!("{rest:0<2}").parse().ok()? };
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_people_write_them() {
        for (text, cents) in [
            ("14", Some(1400)),
            ("14,5", Some(1450)),
            ("14.05", Some(1405)),
            ("1 234,50 €", Some(123_450)),
            ("€3", Some(300)),
            ("", None),
            (",5", None),
            ("1,234", None),
            ("-3", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(money(text), cents.map(Cents::new), "{text}");
        }
    }

    #[test]
    fn shares_are_at_most_the_whole() {
        assert_eq!(share("33,5 %").map(BasisPoints::get), Some(3_350));
        assert_eq!(share("100").map(BasisPoints::get), Some(10_000));
        assert_eq!(share("100,01"), None);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for cents in [0, 5, 99, 100, 123_456] {
            assert_eq!(money(&written(cents)), Some(Cents::new(cents)));
        }
    }
}
