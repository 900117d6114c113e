//! Invented addresses, accounts and registrations: check digits are right, nobody has any of them.

use jiff::civil::date;
use keis_einvoice::{
    Address, Bic, Buyer, Contact, Country, Endpoint, RateStep, Scheme, Text, VatNumber, VatRates, VatRegistration,
};
use keis_ledger::classifiers::Year;
use keis_ledger::money::BasisPoints;
use keis_registry::billing::{SchoolDetails, SellerDetails, Terms};

use crate::programme::{PlaceCode, Provider, ProviderKind, School, VatStatus};

const CITIES: [&str; 8] = ["Vilnius", "Kaunas", "Klaipėda", "Šiauliai", "Panevėžys", "Alytus", "Mažeikiai", "Biržai"];
const STREETS: [&str; 7] = ["Žalčių", "Ąžuolų", "Vėtrungės", "Šaltinio", "Ežero", "Gluosnių", "Aušros"];
/// Code of an invented bank: no bank of Lithuania has it.
const BANK: &str = "99999";

/// A provider on its invoices.
pub(in crate::demo) struct Seat {
    pub(in crate::demo) details: SellerDetails,
    pub(in crate::demo) registrations: Vec<VatRegistration>,
    /// IBAN.
    pub(in crate::demo) account: String,
}

/// The programme's institution, which pays for state money.
pub(super) fn buyer() -> anyhow::Result<Buyer> {
    Ok(Buyer {
        code: Text::new("980000990")?,
        name: Text::new("Pavyzdinė kultūros paso įstaiga")?,
        address: address(0, None)?,
        endpoint: answering()?,
        vat: None,
    })
}

/// The operator's electronic address.
pub(super) fn answering() -> anyhow::Result<Endpoint> {
    Ok(Endpoint::legal_code("980000990")?)
}

/// The programme's terms in a year.
pub(super) fn terms(year: Year) -> anyhow::Result<Terms> {
    Ok(Terms {
        reference: Some(Text::new(&format!("KP-{year}"))?),
        order: None,
        contract: Some(Text::new(&format!("S-{year}/1 „Kultūros pasas“"))?),
        payment: Some(Text::new("Apmokėti per 30 dienų nuo sąskaitos išrašymo.")?),
        days_due: 30,
    })
}

/// The rates of VAT of the last years.
pub(super) fn rates() -> anyhow::Result<VatRates> {
    let points = |points| BasisPoints::new(points).expect("less than the whole");
    let step = |from, reduced| RateStep { from, standard: points(2_100), reduced: points(reduced) };
    Ok(VatRates::new(vec![step(date(2009, 9, 1), 900), step(date(2026, 1, 1), 1_200)])?)
}

/// A school as buyer.
pub(super) fn school(position: usize, school: &School) -> anyhow::Result<SchoolDetails> {
    let abroad = match school.place {
        PlaceCode::Municipality(_) => None,
        PlaceCode::Country(_) => Some(school.place.to_string()),
    };
    Ok(SchoolDetails { address: address(position, abroad.as_deref())?, endpoint: None, vat: None })
}

/// A provider of the files.
pub(super) fn provider(position: usize, provider: &Provider) -> anyhow::Result<Seat> {
    let is_registered = provider.vat_status == VatStatus::Registered;
    let registrations =
        if is_registered { registrations(position, &provider.provider_code.to_string())? } else { vec![] };
    let contact = Contact {
        name: None,
        telephone: Some(Text::new(&format!("+370 600 {:05}", position % 100_000))?),
        mail: Some(Text::new(&format!("saskaitos{position}@teikejas.example"))?),
    };
    let is_legal = provider.kind == ProviderKind::Legal;
    let endpoint = is_legal.then(|| Endpoint::legal_code(&provider.provider_code.to_string())).transpose()?;
    Ok(Seat {
        details: SellerDetails {
            address: Some(address(position, None)?),
            trading_name: None,
            contact: Some(contact),
            endpoint,
            bic: Some(Bic::new("KEISLT2XXXX")?),
            account_holder: None,
            series: Some(Text::new(&format!("KP{position:03}"))?),
        },
        registrations,
        account: iban("LT", BANK, position),
    })
}

/// Some have changed their number: two times with a date each.
fn registrations(position: usize, code: &str) -> anyhow::Result<Vec<VatRegistration>> {
    let number = |end: &str| VatNumber::new(&format!("LT{code}{end}"));
    let now = VatRegistration { number: number("")?, from: date(2015, 3, 1), until: None };
    if !position.is_multiple_of(4) {
        return Ok(vec![now]);
    }
    let before = VatRegistration { number: number("018")?, from: date(2010, 1, 1), until: Some(date(2019, 6, 30)) };
    Ok(vec![before, VatRegistration { from: date(2019, 7, 1), ..now }])
}

/// The providers of the exceptional weeks, by their place: two of this country, one of another of the Union, one that takes a
/// place, a natural person.
pub(in crate::demo) fn guest(position: usize, code: &str) -> anyhow::Result<Seat> {
    let latvian = position == 1;
    let natural = position == 4;
    let place = latvian.then_some("LV");
    let vat = if latvian { format!("LV{code}") } else { format!("LT{code}") };
    let registered = |number| VatRegistration { number, from: date(2018, 5, 1), until: None };
    let registration = (!natural).then(|| VatNumber::new(&vat).map(registered)).transpose()?;
    let endpoint = match (latvian, natural) {
        (true, _) => Some(Endpoint { scheme: Scheme::new("9939")?, id: Text::new(&vat)? }),
        (false, true) => None,
        (false, false) => Some(Endpoint::legal_code(code)?),
    };
    let account =
        if latvian { iban("LV", "KEIS00000", 90_000 + position) } else { iban("LT", BANK, 90_000 + position) };
    Ok(Seat {
        details: SellerDetails {
            address: Some(Address {
                city: Text::new(if latvian { "Rīga" } else { "Vilnius" })?,
                ..address(position, place)?
            }),
            trading_name: None,
            contact: None,
            endpoint,
            bic: None,
            account_holder: None,
            series: Some(Text::new(&format!("YS{position}"))?),
        },
        registrations: registration.into_iter().collect(),
        account,
    })
}

fn address(position: usize, country: Option<&str>) -> anyhow::Result<Address> {
    let (street, city) = (STREETS[position % STREETS.len()], CITIES[position % CITIES.len()]);
    let post_code = country.is_none().then(|| Text::new(&format!("LT-{:05}", 10_000 + position % 80_000)));
    Ok(Address {
        street: Some(Text::new(&format!("{street} g. {}", position + 1))?),
        city: Text::new(city)?,
        post_code: post_code.transpose()?,
        country: Country::new(country.unwrap_or("LT"))?,
    })
}

/// An IBAN of a country and bank with its check digits (ISO 7064, MOD 97-10); the number fills it to the country's length.
fn iban(country: &str, bank: &str, number: usize) -> String {
    let length = if country == "LV" { 17 } else { 16 };
    let rest = format!("{bank}{number:0width$}", width = length - bank.len());
    let digits = |text: &str| -> String {
        text.chars().map(|letter| letter.to_digit(36).map_or_else(String::new, |value| value.to_string())).collect()
    };
    let left = digits(&format!("{rest}{country}00"))
        .bytes()
        .fold(0_u32, |sum, digit| (sum * 10 + u32::from(digit - b'0')) % 97);
    format!("{country}{:02}{rest}", 98 - left)
}
