//! Answers as the database has them, and what each of them does to where its document stands.

use std::fmt;
use std::str::FromStr;

use keis_ledger::ids::Commitment;
use keis_ledger::money::Cents;
use keis_ledger::time::Timestamp;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row};

use super::carrier::{Answer, Item, Payment, Told, Verdict};
use super::row::{self, Change};
use super::{Dispatch, DispatchNameError, DispatchState};
use crate::database::{Work, list};
use crate::error::RegistryError;
use crate::ids::MessageId;
use crate::invoices::PaperKind;
use crate::log::{Actor, Entry, append};
use crate::outbox::OutboxId;
use crate::page::Page;
use crate::payments::LONGEST_MARK;
use crate::vault::Field;
use crate::witnesses::{self, Holder, WitnessKind};

pub(super) const WORDS: Field = Field::of("dispatch_answers", "words_sealed");
/// Most letters that are kept of what a receiver says in its own words, and of what it calls a message.
const LONGEST_WORDS: usize = 2_000;
const LONGEST_NAME: usize = 80;

/// What became of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnswerStanding {
    /// Nothing follows from it.
    Noted,
    /// The ledger is to be told.
    Pending,
    /// A row of the outbox tells the ledger.
    Wished,
    /// The ledger has it.
    Done,
    /// It cannot be. An officer looks at it.
    Aside,
    /// An officer looked at it.
    Dismissed,
}

impl AnswerStanding {
    const ALL: [Self; 6] = [Self::Noted, Self::Pending, Self::Wished, Self::Done, Self::Aside, Self::Dismissed];
}

impl fmt::Display for AnswerStanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Noted => "noted",
            Self::Pending => "pending",
            Self::Wished => "wished",
            Self::Done => "done",
            Self::Aside => "aside",
            Self::Dismissed => "dismissed",
        })
    }
}

impl FromStr for AnswerStanding {
    type Err = DispatchNameError;
    fn from_str(text: &str) -> Result<Self, DispatchNameError> {
        Self::ALL.into_iter().find(|standing| standing.to_string() == text).ok_or(DispatchNameError("standing"))
    }
}

/// An answer as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerRow {
    /// Its number.
    pub seq: u64,
    /// The document that it is about, if it is one of ours.
    pub dispatch: Option<MessageId>,
    /// What the receiver named where it is none of ours.
    pub named: Option<String>,
    /// What it says.
    pub verdict: Verdict,
    /// How much was paid.
    pub amount: Option<Cents>,
    /// Commitment to what the bank calls the payment.
    pub reference: Option<Commitment>,
    /// Day of the payment, as the buyer tells it.
    pub day: Option<String>,
    /// What became of it.
    pub standing: AnswerStanding,
    /// Why it was put aside, in one word of the program's own.
    pub why: Option<String>,
    /// The row of the outbox that tells the ledger.
    pub wish: Option<OutboxId>,
    /// When it was taken.
    pub taken: Timestamp,
    /// Its place among sealed things, and what is sealed.
    pub(super) place: Vec<u8>,
    pub(super) sealed: Option<Vec<u8>>,
}

/// What an answer does to where its document stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    To(DispatchState),
    /// It is known already, or later things are.
    Stays,
    Contradicts,
}

fn moved(state: DispatchState, verdict: Verdict) -> Move {
    use DispatchState::{Approved, Dead, GivenUp, Leaving, Paid, Received, Rejected, Sent, Waiting};
    let to = match verdict {
        Verdict::Received => Received,
        Verdict::Rejected => Rejected,
        Verdict::Approved => Approved,
        Verdict::Paid => Paid,
        Verdict::Unreadable => return Move::Contradicts,
    };
    match state {
        // What never left from here may have left in the time before the database was put back.
        Waiting | Leaving | Sent | Dead | GivenUp => Move::To(to),
        Received => {
            if to == Received {
                Move::Stays
            } else {
                Move::To(to)
            }
        }
        Rejected => {
            if to == Received || to == Rejected {
                Move::Stays
            } else {
                Move::Contradicts
            }
        }
        Approved | Paid if to == Rejected => Move::Contradicts,
        Approved | Paid => {
            if to > state {
                Move::To(to)
            } else {
                Move::Stays
            }
        }
    }
}

/// An answer on its way into the table.
struct New {
    mark: [u8; 32],
    content: [u8; 32],
    dispatch: Option<Dispatch>,
    named: Option<String>,
    verdict: Verdict,
    amount: Option<Cents>,
    reference: Option<Commitment>,
    day: Option<String>,
    words: Option<String>,
    standing: AnswerStanding,
    why: Option<&'static str>,
}

fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn content(answer: &Answer) -> [u8; 32] {
    let payment = answer.payment.as_ref();
    let amount = payment.map(|payment| payment.amount.get().to_string()).unwrap_or_default();
    let reference = payment.map(|payment| payment.reference.as_str()).unwrap_or_default();
    let day = payment.map(|payment| payment.day.as_str()).unwrap_or_default();
    let reason = answer.reason.as_deref().unwrap_or_default();
    hash(&[&answer.message, &answer.verdict.to_string(), reason, &amount, reference, day])
}

fn short(text: &str, most: usize) -> String {
    text.chars().filter(|letter| !letter.is_control() || *letter == '\n').take(most).collect()
}

/// Whether a payment can be told to the ledger at all.
fn is_sound(payment: &Payment) -> bool {
    let reference = payment.reference.trim();
    let fits = !reference.is_empty() && reference.chars().count() <= LONGEST_MARK;
    !payment.amount.is_zero() && fits && !reference.chars().any(char::is_control)
}

/// Keeps what the receiver told, and moves its document; says whether it was new. What follows on the ledger waits in the row.
pub(super) async fn take(work: &mut Work, actor: &Actor, item: &Item, at: Timestamp) -> Result<bool, RegistryError> {
    let new = match &item.told {
        Told::Unreadable { why, text } => {
            let hash = hash(&[&item.source, text]);
            let words = Some(short(text, LONGEST_WORDS));
            let New { dispatch, named, amount, reference, day, .. } = New::empty(hash, hash);
            let standing = AnswerStanding::Aside;
            let why = Some(*why);
            let verdict = Verdict::Unreadable;
            New { mark: hash, content: hash, dispatch, named, verdict, amount, reference, day, words, standing, why }
        }
        Told::Answer(answer) => {
            let (mark, content) = (hash(&[&answer.id]), content(answer));
            heard(work, answer, New::empty(mark, content)).await?
        }
    };
    if is_kept(work, &new).await? {
        return Ok(false);
    }
    let new = judged(work, new, at).await?;
    let subject = new.dispatch.as_ref().map_or_else(|| "no document".to_owned(), |dispatch| dispatch.id.to_string());
    let entry = Entry::new(actor, "answer of the buyer taken", subject);
    append(work, entry.detail(format!("{} {}", new.verdict, new.standing))).await?;
    insert(work, &new, at).await?;
    Ok(true)
}

impl New {
    fn empty(mark: [u8; 32], content: [u8; 32]) -> Self {
        Self {
            mark,
            content,
            dispatch: None,
            named: None,
            verdict: Verdict::Unreadable,
            amount: None,
            reference: None,
            day: None,
            words: None,
            standing: AnswerStanding::Pending,
            why: None,
        }
    }

    fn place(&self) -> Vec<u8> {
        [self.mark, self.content].concat()
    }
}

/// What an answer says, its payment's reference committed to.
async fn heard(work: &mut Work, answer: &Answer, empty: New) -> Result<New, RegistryError> {
    let id: Option<MessageId> = answer.message.parse().ok();
    let dispatch = match id {
        Some(id) => row::get(work.connection(), id).await?,
        None => None,
    };
    let payment = answer.payment.as_ref().filter(|payment| answer.verdict == Verdict::Paid && is_sound(payment));
    let reference = match payment {
        Some(payment) => {
            Some(witnesses::keep(work, Holder::Bank, WitnessKind::BankReference, &payment.reference).await?)
        }
        None => None,
    };
    Ok(New {
        named: dispatch.is_none().then(|| short(&answer.message, LONGEST_NAME)),
        dispatch,
        verdict: answer.verdict,
        amount: payment.map(|payment| payment.amount),
        reference,
        day: payment.map(|payment| short(&payment.day, 10)),
        words: answer.reason.as_ref().map(|reason| short(reason, LONGEST_WORDS)),
        ..empty
    })
}

async fn is_kept(work: &mut Work, new: &New) -> Result<bool, RegistryError> {
    let query = sqlx::query("SELECT seq FROM dispatch_answers WHERE mark = $1 AND content = $2");
    let query = query.bind(new.mark.to_vec()).bind(new.content.to_vec());
    Ok(query.fetch_optional(work.connection()).await?.is_some())
}

/// With its standing; the document has moved then.
async fn judged(work: &mut Work, new: New, at: Timestamp) -> Result<New, RegistryError> {
    let aside = |new: New, why| New { standing: AnswerStanding::Aside, why: Some(why), ..new };
    if new.standing == AnswerStanding::Aside {
        return Ok(new);
    }
    let query = sqlx::query("SELECT seq FROM dispatch_answers WHERE mark = $1").bind(new.mark.to_vec());
    if query.fetch_optional(work.connection()).await?.is_some() {
        return Ok(aside(new, "id_reused"));
    }
    let (standing, why) = judge(work, &new, None, at).await?;
    Ok(New { standing, why, ..new })
}

/// What follows from an answer that was not kept before, or (`own`) is taken up again.
async fn judge(
    work: &mut Work,
    new: &New,
    own: Option<u64>,
    at: Timestamp,
) -> Result<(AnswerStanding, Option<&'static str>), RegistryError> {
    let aside = |why| Ok((AnswerStanding::Aside, Some(why)));
    let Some(dispatch) = &new.dispatch else { return aside("unknown_message") };
    if new.verdict == Verdict::Paid {
        let (Some(amount), Some(reference)) = (new.amount, new.reference) else { return aside("payment_unsound") };
        match told_before(work, dispatch.id, amount, reference, own).await? {
            Some(true) => return Ok((AnswerStanding::Noted, None)),
            Some(false) => return aside("reference_used"),
            None => {}
        }
    }
    let stays = match moved(dispatch.state, new.verdict) {
        Move::Contradicts => return aside("contradicts"),
        Move::To(state) => {
            let from = [dispatch.state];
            row::change(work, dispatch.id, &from, &Change::to(state, at)).await?;
            false
        }
        Move::Stays => true,
    };
    Ok(match (new.verdict, dispatch.of.kind) {
        (Verdict::Received | Verdict::Unreadable, _) => (AnswerStanding::Noted, None),
        (Verdict::Approved | Verdict::Rejected, _) if stays => (AnswerStanding::Noted, None),
        (Verdict::Approved, PaperKind::CreditNote(_)) => (AnswerStanding::Noted, None),
        (Verdict::Rejected | Verdict::Paid, PaperKind::CreditNote(_)) => (AnswerStanding::Aside, Some("credit_note")),
        (Verdict::Approved | Verdict::Rejected | Verdict::Paid, PaperKind::Invoice) => (AnswerStanding::Pending, None),
    })
}

/// Whether the same payment was told before; false when its reference was told of another.
async fn told_before(
    work: &mut Work,
    id: MessageId,
    amount: Cents,
    reference: Commitment,
    own: Option<u64>,
) -> Result<Option<bool>, RegistryError> {
    let query = sqlx::query(
        "SELECT dispatch, amount FROM dispatch_answers WHERE reference = $1 AND seq <> $2 AND \
         standing IN ('pending', 'wished', 'done')",
    );
    let own = own.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(0);
    let Some(row) = query.bind(reference.0.to_vec()).bind(own).fetch_optional(work.connection()).await? else {
        return Ok(None);
    };
    let of: Option<Vec<u8>> = row.try_get("dispatch")?;
    let cents: Option<i64> = row.try_get("amount")?;
    let is_same =
        of.as_deref() == Some(&id.0[..]) && cents.and_then(|cents| u64::try_from(cents).ok()) == Some(amount.get());
    Ok(Some(is_same))
}

async fn insert(work: &mut Work, new: &New, at: Timestamp) -> Result<(), RegistryError> {
    let place = new.place();
    let sealed = match (&new.words, &new.dispatch) {
        (None, _) => None,
        (Some(words), None) => Some(work.vault().seal(WORDS, &place, words.as_bytes())),
        (Some(words), Some(dispatch)) => {
            let key = witnesses::key(work, Holder::Provider(dispatch.of.provider)).await?;
            Some(key.seal(WORDS, &place, words.as_bytes()))
        }
    };
    let query = sqlx::query(
        "INSERT INTO dispatch_answers (seq, mark, content, dispatch, named, verdict, amount, reference, day, words_sealed, \
         standing, why, taken, changed) SELECT COALESCE(MAX(seq), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 \
         FROM dispatch_answers",
    );
    let query = query.bind(new.mark.to_vec()).bind(new.content.to_vec());
    let query = query.bind(new.dispatch.as_ref().map(|dispatch| dispatch.id.0.to_vec())).bind(new.named.clone());
    let query = query.bind(new.verdict.to_string()).bind(new.amount.map(cents));
    let query = query.bind(new.reference.map(|reference| reference.0.to_vec())).bind(new.day.clone()).bind(sealed);
    let query = query.bind(new.standing.to_string()).bind(new.why.map(str::to_owned));
    query.bind(list::instant(at)).bind(list::instant(at)).execute(work.connection()).await?;
    Ok(())
}

fn cents(amount: Cents) -> i64 {
    i64::try_from(amount.get()).unwrap_or(i64::MAX)
}

fn read(row: &AnyRow) -> Result<AnswerRow, RegistryError> {
    let dispatch: Option<Vec<u8>> = row.try_get("dispatch")?;
    let reference: Option<Vec<u8>> = row.try_get("reference")?;
    let amount: Option<i64> = row.try_get("amount")?;
    let (mark, content): (Vec<u8>, Vec<u8>) = (row.try_get("mark")?, row.try_get("content")?);
    Ok(AnswerRow {
        seq: list::number(row.try_get("seq")?, "dispatch_answers.seq")?,
        dispatch: dispatch.map(|id| list::id(&id, "dispatch_answers.dispatch").map(MessageId)).transpose()?,
        named: row.try_get("named")?,
        verdict: list::parsed(row.try_get("verdict")?, "dispatch_answers.verdict")?,
        amount: amount.map(|amount| list::number(amount, "dispatch_answers.amount").map(Cents::new)).transpose()?,
        reference: reference.map(|id| list::id(&id, "dispatch_answers.reference").map(Commitment)).transpose()?,
        day: row.try_get("day")?,
        standing: list::parsed(row.try_get("standing")?, "dispatch_answers.standing")?,
        why: row.try_get("why")?,
        wish: row.try_get::<Option<i64>, _>("wish")?.map(OutboxId),
        taken: Timestamp(list::number(row.try_get("taken")?, "dispatch_answers.taken")?),
        place: [mark, content].concat(),
        sealed: row.try_get("words_sealed")?,
    })
}

/// Answers in some standings after a number, in their order.
pub(super) async fn standing_in(
    connection: &mut AnyConnection,
    standings: &[AnswerStanding],
    page: &Page,
) -> Result<Vec<AnswerRow>, RegistryError> {
    let after = page.after.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(0);
    let sql = format!(
        "SELECT * FROM dispatch_answers WHERE seq > $1 AND standing IN ({}) ORDER BY seq LIMIT $2",
        list::places(3, standings.len())
    );
    let mut query = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(page.rows());
    for standing in standings {
        query = query.bind(standing.to_string());
    }
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Answers about a document, in their order.
pub(super) async fn about(connection: &mut AnyConnection, id: MessageId) -> Result<Vec<AnswerRow>, RegistryError> {
    let query = sqlx::query("SELECT * FROM dispatch_answers WHERE dispatch = $1 ORDER BY seq").bind(id.0.to_vec());
    query.fetch_all(connection).await?.iter().map(read).collect()
}

pub(super) async fn get(connection: &mut AnyConnection, seq: u64) -> Result<Option<AnswerRow>, RegistryError> {
    let seq = i64::try_from(seq).unwrap_or(i64::MAX);
    let query = sqlx::query("SELECT * FROM dispatch_answers WHERE seq = $1").bind(seq);
    query.fetch_optional(connection).await?.as_ref().map(read).transpose()
}

/// How many were put aside.
pub(super) async fn aside(connection: &mut AnyConnection) -> Result<u64, RegistryError> {
    let sql = "SELECT COUNT(*) AS entries FROM dispatch_answers WHERE standing = 'aside'";
    let row = sqlx::query(sql).fetch_one(connection).await?;
    list::number(row.try_get("entries")?, "dispatch_answers")
}

/// Changes what becomes of an answer that stands as `from` says; says whether it did.
pub(super) async fn stand(
    work: &mut Work,
    seq: u64,
    from: AnswerStanding,
    to: (AnswerStanding, Option<&str>, Option<OutboxId>),
    at: Timestamp,
) -> Result<bool, RegistryError> {
    let (standing, why, wish) = to;
    let query = sqlx::query(
        "UPDATE dispatch_answers SET standing = $1, why = $2, wish = COALESCE($3, wish), changed = $4 \
         WHERE seq = $5 AND standing = $6",
    );
    let query = query.bind(standing.to_string()).bind(why.map(str::to_owned)).bind(wish.map(|wish| wish.0));
    let query = query.bind(list::instant(at)).bind(i64::try_from(seq).unwrap_or(i64::MAX)).bind(from.to_string());
    Ok(query.execute(work.connection()).await?.rows_affected() == 1)
}

/// Judges an answer again that was put aside when it was taken; the document it names may be known by now.
pub(super) async fn judge_again(
    work: &mut Work,
    row: &AnswerRow,
    at: Timestamp,
) -> Result<(AnswerStanding, Option<&'static str>), RegistryError> {
    let id = row.dispatch.or_else(|| row.named.as_ref().and_then(|named| named.parse().ok()));
    let dispatch = match id {
        Some(id) => row::get(work.connection(), id).await?,
        None => None,
    };
    let empty = New::empty([0; 32], [0; 32]);
    let new = New { dispatch, verdict: row.verdict, amount: row.amount, reference: row.reference, ..empty };
    let judged = judge(work, &new, Some(row.seq), at).await?;
    if let (None, Some(dispatch)) = (row.dispatch, &new.dispatch) {
        adopt(work, row, dispatch).await?;
    }
    Ok(judged)
}

/// The answer is about a document of ours after all: its words are the provider's from now on.
async fn adopt(work: &mut Work, row: &AnswerRow, dispatch: &Dispatch) -> Result<(), RegistryError> {
    let sealed = match &row.sealed {
        None => None,
        Some(sealed) => {
            let words = work.vault().open(WORDS, &row.place, sealed)?;
            let key = witnesses::key(work, Holder::Provider(dispatch.of.provider)).await?;
            Some(key.seal(WORDS, &row.place, &words))
        }
    };
    let query = sqlx::query("UPDATE dispatch_answers SET dispatch = $1, words_sealed = $2 WHERE seq = $3");
    let query = query.bind(dispatch.id.0.to_vec()).bind(sealed);
    query.bind(i64::try_from(row.seq).unwrap_or(i64::MAX)).execute(work.connection()).await?;
    Ok(())
}

/// From where answers are asked for.
pub(super) async fn cursor(connection: &mut AnyConnection) -> Result<String, RegistryError> {
    Ok(sqlx::query("SELECT cursor FROM dispatch_cursor").fetch_one(connection).await?.try_get("cursor")?)
}

/// Goes on from a cursor to the next, unless somebody else did.
pub(super) async fn proceed(work: &mut Work, from: &str, to: &str) -> Result<(), RegistryError> {
    let query = sqlx::query("UPDATE dispatch_cursor SET cursor = $1 WHERE cursor = $2").bind(to.to_owned());
    query.bind(from.to_owned()).execute(work.connection()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_only_climbs_and_whatever_the_order_ends_in_the_same_place() {
        let verdicts = [Verdict::Received, Verdict::Approved, Verdict::Paid];
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for start in DispatchState::ALL {
            for order in orders {
                let end = order.into_iter().try_fold(start, |state, at| match moved(state, verdicts[at]) {
                    Move::To(next) => Some(next),
                    Move::Stays => Some(state),
                    Move::Contradicts => None,
                });
                let fits =
                    if start == DispatchState::Rejected { end.is_none() } else { end == Some(DispatchState::Paid) };
                assert!(fits, "{start} {order:?}: {end:?}");
            }
        }
    }

    #[test]
    fn what_was_decided_is_not_decided_otherwise() {
        use DispatchState::{Approved, Paid, Rejected};
        let cases = [
            (Approved, Verdict::Rejected, Move::Contradicts),
            (Paid, Verdict::Rejected, Move::Contradicts),
            (Rejected, Verdict::Approved, Move::Contradicts),
            (Rejected, Verdict::Paid, Move::Contradicts),
            (Rejected, Verdict::Rejected, Move::Stays),
            (Rejected, Verdict::Received, Move::Stays),
            (Paid, Verdict::Approved, Move::Stays),
            (Paid, Verdict::Paid, Move::Stays),
            (Approved, Verdict::Paid, Move::To(Paid)),
        ];
        for (state, verdict, wanted) in cases {
            assert_eq!(moved(state, verdict), wanted, "{state} {verdict}");
        }
        for state in DispatchState::ALL {
            assert_eq!(moved(state, Verdict::Unreadable), Move::Contradicts);
        }
    }
}
