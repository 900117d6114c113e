//! What answers look like in files and on the wire: JSON, read strictly, amounts as decimal text and never as numbers.

use keis_ledger::money::Cents;
use keis_registry::dispatch::{Answer, Payment, Told, Verdict};
use serde_json::Value;

/// Most letters of an answer's or message's name, of a reference and of a reason.
const LONGEST_NAME: usize = 200;
const LONGEST_REASON: usize = 4_000;

/// What a receiver told, from its bytes.
pub(super) fn told(bytes: &[u8]) -> Told {
    match serde_json::from_slice(bytes) {
        Ok(value) => told_value(&value),
        Err(_) => unreadable("no_json", &String::from_utf8_lossy(bytes)),
    }
}

/// What a receiver told, from one value of its list.
pub(super) fn told_value(value: &Value) -> Told {
    answer(value).map_or_else(|why| unreadable(why, &value.to_string()), Told::Answer)
}

fn unreadable(why: &'static str, text: &str) -> Told {
    Told::Unreadable { why, text: text.chars().take(LONGEST_REASON).collect() }
}

fn answer(value: &Value) -> Result<Answer, &'static str> {
    let verdict = match value["verdict"].as_str() {
        Some("received") => Verdict::Received,
        Some("rejected") => Verdict::Rejected,
        Some("approved") => Verdict::Approved,
        Some("paid") => Verdict::Paid,
        Some(_) | None => return Err("no_verdict"),
    };
    let reason = match &value["reason"] {
        Value::Null => None,
        Value::String(text) => Some(text.chars().take(LONGEST_REASON).collect::<String>()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => return Err("no_reason"),
    };
    Ok(Answer {
        id: name(&value["id"]).ok_or("no_id")?,
        message: name(&value["message"]).ok_or("no_message")?,
        verdict,
        reason: reason.filter(|reason| !reason.trim().is_empty()),
        payment: if verdict == Verdict::Paid { Some(payment(value)?) } else { None },
    })
}

fn name(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    (!text.is_empty() && text.chars().count() <= LONGEST_NAME).then(|| text.to_owned())
}

fn payment(value: &Value) -> Result<Payment, &'static str> {
    if value["currency"].as_str().is_some_and(|currency| currency != "EUR") {
        return Err("no_euro");
    }
    let day = value["day"].as_str().ok_or("no_day")?;
    let day: jiff::civil::Date = day.parse().map_err(|_| "no_day")?;
    Ok(Payment {
        amount: value["amount"].as_str().and_then(cents).ok_or("no_amount")?,
        reference: name(&value["reference"]).ok_or("no_reference")?,
        day: day.to_string(),
    })
}

/// Euro with at most two decimals: `12`, `12.5`, `12.50`.
fn cents(text: &str) -> Option<Cents> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(rest) || rest.len() > 2 {
        return None;
    }
    let parts: u64 = rest.parse().ok()?;
    let parts = if rest.len() == 1 { parts * 10 } else { parts };
    Cents::new(whole.parse().ok()?).checked_mul(100)?.checked_add(Cents::new(parts))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paid(amount: &Value) -> Value {
        json!({ "id": "a1", "message": "m1", "verdict": "paid", "amount": amount, "currency": "EUR",
                "reference": "FT 1", "day": "2026-11-30" })
    }

    #[test]
    fn amounts_are_decimal_text_to_the_cent() {
        for (text, wanted) in [("12", 1_200), ("12.5", 1_250), ("0.07", 7), ("184467440737095516.15", u64::MAX)] {
            assert_eq!(cents(text), Some(Cents::new(wanted)), "{text}");
        }
        for wrong in ["", ".", "1.", ".5", "-1", "+1", "1,5", "1.005", "1e3", "184467440737095516.16", "٣"] {
            assert_eq!(cents(wrong), None, "{wrong}");
        }
        assert!(matches!(told_value(&paid(&json!("12.50"))), Told::Answer(_)));
        for wrong in [json!(12.5), json!(12), json!(null), json!("12,50")] {
            assert!(matches!(told_value(&paid(&wrong)), Told::Unreadable { why: "no_amount", .. }), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_answer_says_why() {
        let sound = json!({ "id": "a1", "message": "m1", "verdict": "rejected", "reason": "Bloga sutartis" });
        let Told::Answer(answer) = told_value(&sound) else { panic!("{sound} is an answer") };
        assert_eq!((answer.verdict, answer.reason.as_deref()), (Verdict::Rejected, Some("Bloga sutartis")));
        let long = "a".repeat(LONGEST_NAME + 1);
        for (field, value, wanted) in [
            ("id", json!(7), "no_id"),
            ("id", json!(" "), "no_id"),
            ("message", json!(long), "no_message"),
            ("verdict", json!("Approved"), "no_verdict"),
            ("reason", json!(["x"]), "no_reason"),
        ] {
            let mut wrong = sound.clone();
            wrong[field] = value;
            assert!(matches!(told_value(&wrong), Told::Unreadable { why, .. } if why == wanted), "{wrong}");
        }
        assert!(matches!(told(b"{\"id\": "), Told::Unreadable { why: "no_json", .. }));
        assert!(matches!(told(b"[]"), Told::Unreadable { why: "no_verdict", .. }));
        let mut pounds = paid(&json!("1"));
        pounds["currency"] = json!("GBP");
        assert!(matches!(told_value(&pounds), Told::Unreadable { why: "no_euro", .. }));
    }
}
