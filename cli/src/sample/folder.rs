//! The folder that the sample goes into, and its README.

use std::path::Path;
use std::{fs, io};

use anyhow::{Context, bail};

use crate::programme::{FILES, KIND};

const README: &str = "README.txt";

/// Makes the folder, or takes an empty one or one that holds an earlier sample.
pub(super) fn prepare(dir: &Path) -> anyhow::Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return fs::create_dir_all(dir).with_context(|| format!("cannot make the folder {}", dir.display()));
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read the folder {}", dir.display()));
        }
    };
    let names: Vec<String> = entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()
        .with_context(|| format!("cannot read the folder {}", dir.display()))?;
    if names.is_empty() {
        return Ok(());
    }
    if !holds_sample(dir) {
        bail!("{} is not empty and holds no earlier sample; name another folder with --out", dir.display());
    }
    if let Some(foreign) = names.iter().find(|name| !FILES.contains(&name.as_str()) && *name != README) {
        bail!(
            "{} holds {foreign} beside an earlier sample; move it away or name another folder with --out",
            dir.display()
        );
    }
    Ok(())
}

/// `programme.toml` is written first, so even half a sample says what it is.
fn holds_sample(dir: &Path) -> bool {
    let first_line = format!("kind = \"{KIND}\"");
    fs::read_to_string(dir.join("programme.toml")).is_ok_and(|text| text.lines().any(|line| line == first_line))
}

pub(super) fn write_readme(dir: &Path) -> anyhow::Result<()> {
    let path = dir.join(README);
    fs::write(&path, TEXT).with_context(|| format!("cannot write {}", path.display()))
}

const TEXT: &str = "\
A programme year of the culture passport, invented by `keis sample`.
No person, school or provider of these names and codes exists. Codes are valid in form only.

All files are UTF-8. CSV files have a header line and commas; lists in a field are joined by `;`. Times are UTC
(RFC 3339), days and months are of the local calendar. Amounts are cents.

programme.toml
  The year, the amount per pupil, the rules that the calendar keeps, holidays, local time as offsets from UTC, and how
  much each file holds (a folder that holds something else is refused).

schools.csv
  school_code (legal entity code), name, place (ISO 3166-2:LT, or a country for schools abroad), branches.

pupils.csv
  Extract of the Pupil Register on 1 January: register_code, given_name, family_name, school_code, branch (0 is the main
  school), place, class, joint_class (taught together with it), grade. Personal data in earnest: stays with the operator.

pupil_changes.csv
  What the register learned during the year, by time: at, kind (arrived, left, moved), register_code, and for arrivals
  and moves the new school_code, branch, place, class, joint_class, grade. An arrival gets the full amount from the
  reserve. booked_lines of a move: keep (the pupil still goes with the old school) or release (the money returns).
  Classes and grades stay as they were on 1 January until the year ends.

providers.csv
  provider_code (legal entity code, or certificate number of a natural person), kind, name, place, vat_status,
  controlling_code (the legal entity that controls it; where that is a school, the school must not order from it).

services.csv
  service_code, provider_code, title_lt, title_en, type, art_field, grade_from, grade_to, venues, price_cents per pupil,
  min_group and max_group of an order, vat_category (S, S-reduced, E for culture, E-education, O), valid_from,
  valid_until, description.

sessions.csv
  session_code, service_code, start, end, place, capacity.

calendar.jsonl
  One action a line, by time: at, actor (school:CODE, provider:CODE, operator, clock), action and its fields.
  propose, request, confirm, decline, propose_change, accept_change, refuse_change, swap, drop, cancel, report_delivery,
  confirm_attendance, propose_amendment, accept_amendment, record_school_money, issue_statement, accept_statement,
  contest_statement, nothing (by now the clock has done what is awaited), end_year.
  expect_rejection names why the ledger must refuse: clash, no_money, session_full, related_provider, too_late,
  wrong_actor, not_enrolled. A refused request is no order: orders.csv does not list it.
  Where time stands at the same instant in pupil_changes.csv, the change comes first.

orders.csv
  Where every order must end: order_code, session_code (after changes of time), school_code, requested_pupils,
  expected_state (declined, lapsed, cancelled_free, cancelled_late, cancelled_by_provider, attended,
  attended_automatically, settled), automatic (attendance confirmed by the clock), full_lines, absent_lines, late_lines
  (pupils charged in full, the absence share, the late share), state_cents, school_cents (who pays what in the end).
";
