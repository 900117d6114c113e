//! The buyer's system as it may be: driven by a seed it loses requests, loses its own answers after taking, delays, repeats and
//! reorders. Beside it one that does as it is told.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use keis_ledger::money::Cents;
use keis_registry::dispatch::{Answer, Batch, Carrier, Item, Message, NotNow, Payment, SendOutcome, Told, Verdict};
use keis_registry::ids::MessageId;

/// Numbers from a seed.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Whether something happens that happens so often in a hundred.
    pub fn happens(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

pub fn answer(id: &str, message: MessageId, verdict: Verdict) -> Answer {
    let reason = (verdict == Verdict::Rejected).then(|| "Neteisinga sutartis".to_owned());
    Answer { id: id.to_owned(), message: message.to_string(), verdict, reason, payment: None }
}

pub fn paid(id: &str, message: MessageId, cents: u64, reference: &str) -> Answer {
    let payment = Payment { amount: Cents::new(cents), reference: reference.to_owned(), day: "2026-11-30".to_owned() };
    Answer { payment: Some(payment), ..answer(id, message, Verdict::Paid) }
}

/// What the receiver decided of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Paid(Vec<u64>),
    Approved,
    Rejected,
    /// Approved and refused; what it says first counts.
    Both,
}

#[derive(Default)]
pub struct Inside {
    /// Documents by the ids of their messages, and how often each came.
    pub inbox: BTreeMap<MessageId, (Vec<u8>, u32)>,
    /// Messages that are still on their way.
    transit: Vec<Message>,
    /// Answers that were not told yet, and those that can be asked for.
    waiting: Vec<Told>,
    pub log: Vec<Told>,
    pub decisions: BTreeMap<MessageId, Decision>,
}

/// The receiver.
pub struct Wild {
    chance: Mutex<Chance>,
    inside: Mutex<Inside>,
    totals: BTreeMap<MessageId, u64>,
    /// Whether it tells which messages arrived.
    look_up: bool,
    /// Whether things go wrong.
    calm: Mutex<bool>,
}

impl Wild {
    pub fn new(seed: u64, totals: BTreeMap<MessageId, u64>) -> Self {
        let mut chance = Chance(seed);
        let look_up = chance.happens(50);
        Self { chance: Mutex::new(chance), inside: Mutex::default(), totals, look_up, calm: Mutex::new(false) }
    }

    /// From now on nothing goes wrong, and everything that is on its way arrives.
    pub fn calm_down(&self) {
        *self.calm.lock().unwrap() = true;
    }

    pub fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap()
    }

    fn happens(&self, percent: u64) -> bool {
        !*self.calm.lock().unwrap() && self.chance.lock().unwrap().happens(percent)
    }

    /// A message arrives, at last or again.
    fn arrives(&self, message: Message) {
        let mut inside = self.inside();
        let (bytes, times) = inside.inbox.entry(message.id).or_insert((message.document.bytes.clone(), 0));
        assert_eq!(*bytes, message.document.bytes, "two documents bear one id");
        *times += 1;
        if *times > 1 {
            return;
        }
        let mut chance = self.chance.lock().unwrap();
        let total = self.totals[&message.id];
        let decision = match chance.below(10) {
            0..=4 => {
                let first = 1 + chance.below(total - 1);
                Decision::Paid(if chance.happens(50) { vec![total] } else { vec![first, total - first] })
            }
            5..=6 => Decision::Approved,
            7..=8 => Decision::Rejected,
            _ => Decision::Both,
        };
        let mut said = says(message.id, &decision);
        for at in (1..said.len()).rev() {
            said.swap(at, usize::try_from(chance.below(at as u64 + 1)).unwrap());
        }
        for answer in said {
            let again = chance.happens(30);
            if again {
                inside.waiting.push(Told::Answer(answer.clone()));
            }
            if chance.happens(20) {
                let renamed = Answer { id: format!("{}-again", answer.id), ..answer.clone() };
                inside.waiting.push(Told::Answer(renamed));
            }
            inside.waiting.push(Told::Answer(answer));
        }
        inside.decisions.insert(message.id, decision);
    }

    /// Some of what waits arrives or can be asked for; all of it in the calm.
    fn moves_on(&self) {
        let transit = std::mem::take(&mut self.inside().transit);
        for message in transit {
            if self.happens(60) { self.inside().transit.push(message) } else { self.arrives(message) }
        }
        let waiting = std::mem::take(&mut self.inside().waiting);
        for told in waiting {
            if self.happens(60) { self.inside().waiting.push(told) } else { self.inside().log.push(told) }
        }
    }
}

fn says(id: MessageId, decision: &Decision) -> Vec<Answer> {
    let name = |what: &str| format!("{id}-{what}");
    let mut said = vec![answer(&name("received"), id, Verdict::Received)];
    match decision {
        Decision::Paid(parts) => {
            said.push(answer(&name("approved"), id, Verdict::Approved));
            for (number, cents) in parts.iter().enumerate() {
                let reference = format!("FT {} {number}", &id.to_string()[..12]);
                said.push(paid(&name(&format!("paid{number}")), id, *cents, &reference));
            }
        }
        Decision::Approved => said.push(answer(&name("approved"), id, Verdict::Approved)),
        Decision::Rejected => said.push(answer(&name("rejected"), id, Verdict::Rejected)),
        Decision::Both => {
            said.push(answer(&name("approved"), id, Verdict::Approved));
            said.push(answer(&name("rejected"), id, Verdict::Rejected));
        }
    }
    said
}

fn lost() -> NotNow {
    NotNow::because("unreachable")
}

#[async_trait]
impl Carrier for Wild {
    async fn send(&self, message: &Message) -> Result<SendOutcome, NotNow> {
        tokio::task::yield_now().await;
        self.moves_on();
        if self.happens(20) {
            return Err(lost());
        }
        if self.happens(15) {
            self.inside().transit.push(message.clone());
            return Err(NotNow::because("timeout"));
        }
        self.arrives(message.clone());
        tokio::task::yield_now().await;
        if self.happens(25) { Err(lost()) } else { Ok(SendOutcome::Sent) }
    }

    async fn known(&self, id: MessageId) -> Result<Option<bool>, NotNow> {
        tokio::task::yield_now().await;
        if self.happens(20) {
            return Err(lost());
        }
        Ok(self.look_up.then(|| self.inside().inbox.contains_key(&id)))
    }

    async fn answers(&self, after: &str) -> Result<Batch, NotNow> {
        tokio::task::yield_now().await;
        self.moves_on();
        if self.happens(20) {
            return Err(lost());
        }
        let from = if after.is_empty() { 0 } else { after.parse().unwrap() };
        let inside = self.inside();
        let end = inside.log.len().min(from + 4);
        let item = |(number, told): (usize, &Told)| Item { source: (from + number).to_string(), told: told.clone() };
        let items = inside.log[from..end].iter().enumerate().map(item).collect();
        Ok(Batch { items, cursor: end.to_string(), more: end < inside.log.len() })
    }

    async fn taken(&self, _: &Batch) -> Result<(), NotNow> {
        tokio::task::yield_now().await;
        if self.happens(10) { Err(lost()) } else { Ok(()) }
    }
}

/// A receiver that does as it is told.
#[derive(Default)]
pub struct Tame(pub Mutex<Orders>);

#[derive(Default)]
pub struct Orders {
    /// What comes of sending, in turn; everything is taken when there is nothing more.
    pub sends: Vec<Result<SendOutcome, NotNow>>,
    pub known: Option<bool>,
    pub asked: u32,
    pub log: Vec<Told>,
    pub sent: Vec<Message>,
}

impl Tame {
    pub fn says(&self, answer: Answer) {
        self.0.lock().unwrap().log.push(Told::Answer(answer));
    }

    pub fn tells(&self, told: Told) {
        self.0.lock().unwrap().log.push(told);
    }

    pub fn next(&self, outcome: Result<SendOutcome, NotNow>) {
        self.0.lock().unwrap().sends.push(outcome);
    }

    pub fn sent(&self) -> usize {
        self.0.lock().unwrap().sent.len()
    }
}

#[async_trait]
impl Carrier for Tame {
    async fn send(&self, message: &Message) -> Result<SendOutcome, NotNow> {
        let mut orders = self.0.lock().unwrap();
        orders.sent.push(message.clone());
        if orders.sends.is_empty() { Ok(SendOutcome::Sent) } else { orders.sends.remove(0) }
    }

    async fn known(&self, _: MessageId) -> Result<Option<bool>, NotNow> {
        let mut orders = self.0.lock().unwrap();
        orders.asked += 1;
        Ok(orders.known)
    }

    async fn answers(&self, after: &str) -> Result<Batch, NotNow> {
        let orders = self.0.lock().unwrap();
        let from: usize = if after.is_empty() { 0 } else { after.parse().unwrap() };
        let item = |told: &Told| Item { source: "log".to_owned(), told: told.clone() };
        let items = orders.log[from..].iter().map(item).collect();
        Ok(Batch { items, cursor: orders.log.len().to_string(), more: false })
    }

    async fn taken(&self, _: &Batch) -> Result<(), NotNow> {
        Ok(())
    }
}
