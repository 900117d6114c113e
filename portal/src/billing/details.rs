//! Forms of what invoices name: read field by field, and filled in with what is known.

use jiff::civil::Date;
use keis_einvoice::{
    Address, Bic, Buyer, Contact, Country, Endpoint, RateStep, Scheme, Text, VatNumber, VatRates, VatRegistration,
};
use keis_ledger::money::BasisPoints;
use keis_registry::billing::{ProgrammeBilling, SchoolDetails, SellerDetails, SellerFile, Terms, rates};

use crate::call::Fields;
use crate::office::forms::{Builder, Form, Problems, number, share, written};
use crate::words::Words;

/// Most letters of a line of an address, a name, a reference.
const LONGEST: usize = 200;
/// Most days until payment is due.
const MOST_DAYS: u16 = 365;

type Pairs = Vec<(String, String)>;

fn short(text: &str) -> Option<Text> {
    Text::new(text).ok().filter(|text| text.as_str().chars().count() <= LONGEST)
}

/// A text that may be missing.
fn may(fields: &Fields, name: &'static str, problems: &mut Problems) -> Option<Text> {
    maybe(fields, name, "inv-error-text", short, problems)
}

/// A value that may be missing.
fn maybe<T>(
    fields: &Fields,
    name: &'static str,
    key: &'static str,
    read: impl Fn(&str) -> Option<T>,
    problems: &mut Problems,
) -> Option<T> {
    fields.get(name)?;
    problems.need(fields, name, key, read)
}

fn address(fields: &Fields, problems: &mut Problems) -> Option<Address> {
    let street = may(fields, "street", problems);
    let post_code = may(fields, "post_code", problems);
    let city = problems.need(fields, "city", "inv-error-text", short);
    let country = |text: &str| Country::new(&text.to_uppercase()).ok();
    let country = problems.need(fields, "country", "inv-error-country", country);
    Some(Address { street, city: city?, post_code, country: country? })
}

/// An electronic address; none when both fields are empty.
fn endpoint(fields: &Fields, (scheme, id): (&'static str, &'static str), problems: &mut Problems) -> Option<Endpoint> {
    if fields.get(scheme).is_none() && fields.get(id).is_none() {
        return None;
    }
    let known = problems.need(fields, scheme, "inv-error-scheme", |text| Scheme::new(text).ok());
    let id = problems.need(fields, id, "inv-error-text", short);
    Some(Endpoint { scheme: known?, id: id? })
}

fn vat(fields: &Fields, problems: &mut Problems) -> Option<VatNumber> {
    maybe(fields, "vat", "inv-error-vat", |text| VatNumber::new(&text.to_uppercase()).ok(), problems)
}

fn put(fields: &mut Pairs, name: &str, value: Option<&impl ToString>) {
    fields.extend(value.map(|value| (name.to_owned(), value.to_string())));
}

fn put_address(fields: &mut Pairs, address: Option<&Address>) {
    match address {
        None => fields.push(("country".to_owned(), "LT".to_owned())),
        Some(address) => {
            put(fields, "street", address.street.as_ref());
            put(fields, "post_code", address.post_code.as_ref());
            put(fields, "city", Some(&address.city));
            put(fields, "country", Some(&address.country));
        }
    }
}

fn put_endpoint(fields: &mut Pairs, (scheme, id): (&str, &str), endpoint: Option<&Endpoint>) {
    put(fields, scheme, endpoint.map(|endpoint| &endpoint.scheme));
    put(fields, id, endpoint.map(|endpoint| &endpoint.id));
}

fn address_inputs(builder: Builder<'_>) -> Builder<'_> {
    builder
        .group(Some("inv-address"))
        .line("street", "inv-street")
        .line("post_code", "inv-post-code")
        .line("city", "inv-city")
        .line("country", "inv-country")
}

fn endpoint_inputs(builder: Builder<'_>) -> Builder<'_> {
    builder.group(Some("inv-endpoint")).line("scheme", "inv-scheme").line("endpoint", "inv-endpoint-id")
}

/// The form of a provider's details.
pub(crate) fn seller_form(w: &'static Words, action: &str, fields: &Fields, problems: &Problems) -> Form {
    let builder = address_inputs(Builder::new(w, action, "inv-keep", fields, problems))
        .group(Some("inv-names"))
        .line("trading", "inv-trading")
        .line("contact", "inv-contact")
        .line("telephone", "inv-telephone")
        .line("mail", "inv-mail")
        .group(Some("inv-bank"))
        .line("bic", "inv-bic")
        .line("holder", "inv-holder")
        .group(Some("inv-numbers"))
        .line("series", "inv-series")
        .number("next", "inv-next");
    endpoint_inputs(builder).done()
}

/// What is known of a provider, as its form has it.
pub(crate) fn seller_fields(file: &SellerFile) -> Fields {
    let SellerDetails { address, trading_name, contact, endpoint, bic, account_holder, series } = &file.details;
    let mut fields = Vec::new();
    put_address(&mut fields, address.as_ref());
    put(&mut fields, "trading", trading_name.as_ref());
    if let Some(contact) = contact {
        put(&mut fields, "contact", contact.name.as_ref());
        put(&mut fields, "telephone", contact.telephone.as_ref());
        put(&mut fields, "mail", contact.mail.as_ref());
    }
    put(&mut fields, "bic", bic.as_ref());
    put(&mut fields, "holder", account_holder.as_ref());
    put(&mut fields, "series", series.as_ref());
    put(&mut fields, "next", series.as_ref().map(|_| &file.next));
    put_endpoint(&mut fields, ("scheme", "endpoint"), endpoint.as_ref());
    Fields(fields)
}

/// A provider's details as they were sent, with where the series goes on; none when something is wrong.
pub(crate) fn read_seller(fields: &Fields, problems: &mut Problems) -> Option<(SellerDetails, Option<u32>)> {
    let address = address(fields, problems);
    let trading_name = may(fields, "trading", problems);
    let (name, telephone, mail) =
        (may(fields, "contact", problems), may(fields, "telephone", problems), may(fields, "mail", problems));
    let contact =
        (name.is_some() || telephone.is_some() || mail.is_some()).then_some(Contact { name, telephone, mail });
    let bic = maybe(fields, "bic", "inv-error-bic", |text| Bic::new(&text.to_uppercase()).ok(), problems);
    let account_holder = may(fields, "holder", problems);
    let series = may(fields, "series", problems);
    let positive = |text: &str| number::<u32>(text).filter(|next| (1..=999_999).contains(next));
    let next = maybe(fields, "next", "inv-error-next", positive, problems);
    let endpoint = endpoint(fields, ("scheme", "endpoint"), problems);
    let details = SellerDetails { address, trading_name, contact, endpoint, bic, account_holder, series };
    problems.is_empty().then_some((details, next))
}

/// The form of the programme as buyer and of the address that answers for sellers without one.
pub(crate) fn buyer_form(w: &'static Words, fields: &Fields, problems: &Problems) -> Form {
    let builder = Builder::new(w, "/office/invoicing/buyer", "inv-keep", fields, problems)
        .group(Some("inv-buyer"))
        .line("name", "inv-name")
        .line("code", "inv-register-code")
        .line("vat", "inv-vat-of-buyer");
    endpoint_inputs(address_inputs(builder))
        .group(Some("inv-answering"))
        .line("answering_scheme", "inv-scheme")
        .line("answering", "inv-endpoint-id")
        .done()
}

/// What is known of the programme as buyer.
pub(crate) fn buyer_fields(billing: &ProgrammeBilling) -> Fields {
    let mut fields = Vec::new();
    let buyer = billing.buyer.as_ref();
    put(&mut fields, "name", buyer.map(|buyer| &buyer.name));
    put(&mut fields, "code", buyer.map(|buyer| &buyer.code));
    put(&mut fields, "vat", buyer.and_then(|buyer| buyer.vat.as_ref()));
    put_address(&mut fields, buyer.map(|buyer| &buyer.address));
    put_endpoint(&mut fields, ("scheme", "endpoint"), buyer.map(|buyer| &buyer.endpoint));
    put_endpoint(&mut fields, ("answering_scheme", "answering"), billing.answering.as_ref());
    Fields(fields)
}

/// The programme as buyer, and the answering address, as they were sent.
pub(crate) fn read_buyer(fields: &Fields, problems: &mut Problems) -> Option<(Buyer, Endpoint)> {
    let name = problems.need(fields, "name", "inv-error-text", short);
    let code = problems.need(fields, "code", "inv-error-text", short);
    let vat = vat(fields, problems);
    let address = address(fields, problems);
    let own = endpoint(fields, ("scheme", "endpoint"), problems);
    let answering = endpoint(fields, ("answering_scheme", "answering"), problems);
    for (name, there) in [("endpoint", own.is_some()), ("answering", answering.is_some())] {
        if !there && fields.get(name).is_none() {
            problems.add(name, "office-error-empty");
        }
    }
    let buyer = Buyer { code: code?, name: name?, address: address?, endpoint: own?, vat };
    let answering = answering?;
    problems.is_empty().then_some((buyer, answering))
}

/// The form of the programme's terms.
pub(crate) fn terms_form(w: &'static Words, fields: &Fields, problems: &Problems) -> Form {
    Builder::new(w, "/office/invoicing/terms", "inv-keep", fields, problems)
        .line("reference", "inv-reference")
        .line("order", "inv-order")
        .line("contract", "inv-contract")
        .line("payment", "inv-terms")
        .number("days", "inv-days")
        .done()
}

/// What is known of the terms.
pub(crate) fn terms_fields(terms: Option<&Terms>) -> Fields {
    let mut fields = Vec::new();
    let Some(terms) = terms else { return Fields(fields) };
    put(&mut fields, "reference", terms.reference.as_ref());
    put(&mut fields, "order", terms.order.as_ref());
    put(&mut fields, "contract", terms.contract.as_ref());
    put(&mut fields, "payment", terms.payment.as_ref());
    put(&mut fields, "days", Some(&terms.days_due));
    Fields(fields)
}

/// The terms as they were sent.
pub(crate) fn read_terms(fields: &Fields, problems: &mut Problems) -> Option<Terms> {
    let [reference, order, contract, payment] =
        ["reference", "order", "contract", "payment"].map(|name| may(fields, name, problems));
    if fields.get("reference").is_none() && fields.get("order").is_none() {
        problems.add("reference", "inv-error-reference");
    }
    let days = |text: &str| number::<u16>(text).filter(|days| *days <= MOST_DAYS);
    let days = problems.need(fields, "days", "inv-error-days", days);
    let terms = Terms { reference, order, contract, payment, days_due: days? };
    problems.is_empty().then_some(terms)
}

/// The form of the rates of VAT: one step a line.
pub(crate) fn rates_form(w: &'static Words, fields: &Fields, problems: &Problems) -> Form {
    Builder::new(w, "/office/invoicing/rates", "inv-keep", fields, problems).area("rates", "inv-rates", 6).done()
}

/// What is known of the rates.
pub(crate) fn rates_fields(rates: Option<&VatRates>) -> Fields {
    let steps: Vec<RateStep> = rates.cloned().map(Vec::from).unwrap_or_default();
    let percent = |points: BasisPoints| written(u64::from(points.get()));
    let line = |step: &RateStep| format!("{}; {}; {}", step.from, percent(step.standard), percent(step.reduced));
    Fields(vec![("rates".to_owned(), steps.iter().map(line).collect::<Vec<_>>().join("\n"))])
}

/// The rates as they were sent.
pub(crate) fn read_rates(fields: &Fields, problems: &mut Problems) -> Option<VatRates> {
    let step = |line: &str| {
        let mut parts = line.split(';').map(str::trim);
        let (from, standard, reduced) = (parts.next()?.parse().ok()?, share(parts.next()?)?, share(parts.next()?)?);
        parts.next().is_none().then_some(RateStep { from, standard, reduced })
    };
    let all = |text: &str| text.lines().filter(|line| !line.trim().is_empty()).map(step).collect::<Option<Vec<_>>>();
    let steps = problems.need(fields, "rates", "inv-error-rates-line", all)?;
    match rates(steps) {
        Ok(rates) => Some(rates),
        Err(_) => {
            problems.add("rates", "inv-error-rates");
            None
        }
    }
}

/// The form of a provider's registrations for VAT: one a line.
pub(crate) fn registrations_form(w: &'static Words, action: &str, fields: &Fields, problems: &Problems) -> Form {
    Builder::new(w, action, "inv-keep", fields, problems).area("registrations", "inv-registrations", 4).done()
}

/// What is known of the registrations.
pub(crate) fn registrations_fields(all: &[VatRegistration]) -> Fields {
    let until = |one: &VatRegistration| one.until.map(|until| format!("; {until}")).unwrap_or_default();
    let line = |one: &VatRegistration| format!("{}; {}{}", one.number, one.from, until(one));
    Fields(vec![("registrations".to_owned(), all.iter().map(line).collect::<Vec<_>>().join("\n"))])
}

/// Registrations in words, for pages.
pub(crate) fn registrations(w: &Words, all: &[VatRegistration]) -> Vec<String> {
    let told = |one: &VatRegistration| {
        let (number, from) = (one.number.as_str(), one.from.to_string());
        match one.until {
            None => w.with("inv-registered-since", &[("number", number), ("from", &from)]),
            Some(until) => {
                w.with("inv-registered-until", &[("number", number), ("from", &from), ("until", &until.to_string())])
            }
        }
    };
    all.iter().map(told).collect()
}

/// The registrations as they were sent, in the order of time; an empty field is nobody's registration.
pub(crate) fn read_registrations(fields: &Fields, problems: &mut Problems) -> Option<Vec<VatRegistration>> {
    let one = |line: &str| {
        let mut parts = line.split(';').map(str::trim);
        let number = VatNumber::new(&parts.next()?.to_uppercase()).ok()?;
        let from: Date = parts.next()?.parse().ok()?;
        let until = match parts.next().filter(|until| !until.is_empty()) {
            None => None,
            Some(until) => Some(until.parse::<Date>().ok()?),
        };
        parts.next().is_none().then_some(VatRegistration { number, from, until })
    };
    let text = fields.get("registrations").unwrap_or_default();
    let all: Option<Vec<_>> = text.lines().filter(|line| !line.trim().is_empty()).map(one).collect();
    match all {
        None => {
            problems.add("registrations", "inv-error-registrations-line");
            None
        }
        Some(mut all) => {
            all.sort_by_key(|one| one.from);
            Some(all)
        }
    }
}

/// The form of a school as buyer.
pub(crate) fn school_form(w: &'static Words, action: &str, fields: &Fields, problems: &Problems) -> Form {
    let builder = address_inputs(Builder::new(w, action, "inv-keep", fields, problems));
    endpoint_inputs(builder.line("vat", "inv-vat-of-buyer")).done()
}

/// What is known of a school as buyer.
pub(crate) fn school_fields(details: Option<&SchoolDetails>) -> Fields {
    let mut fields = Vec::new();
    put_address(&mut fields, details.map(|details| &details.address));
    put(&mut fields, "vat", details.and_then(|details| details.vat.as_ref()));
    put_endpoint(&mut fields, ("scheme", "endpoint"), details.and_then(|details| details.endpoint.as_ref()));
    Fields(fields)
}

/// A school as buyer as it was sent.
pub(crate) fn read_school(fields: &Fields, problems: &mut Problems) -> Option<SchoolDetails> {
    let address = address(fields, problems);
    let vat = vat(fields, problems);
    let endpoint = endpoint(fields, ("scheme", "endpoint"), problems);
    let address = address?;
    problems.is_empty().then_some(SchoolDetails { address, endpoint, vat })
}
