//! How many invoices one core draws, writes and reads back, and in how much memory:
//! `cargo run --release -p keis-einvoice --example bench [INVOICES [LINES]]`.

use std::num::NonZeroU32;
use std::time::Instant;

use jiff::civil::date;
use keis_einvoice::{
    Account, Address, Buyer, Country, Endpoint, Facts, Heading, Iban, Identity, Invoice, Line, Period, Programme,
    RateStep, Received, Seller, Settlement, Text, TextError, VatNumber, VatRates, VatRegistration,
};
use keis_ledger::classifiers::VatCategory;
use keis_ledger::ids::{OrderId, StatementId};
use keis_ledger::money::{BasisPoints, Cents};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let invoices: u32 = arguments.next().map_or(Ok(5_000), |count| count.parse())?;
    let lines: u32 = arguments.next().map_or(Ok(4), |count| count.parse())?;
    let (mut bytes, mut written, mut read) = (0, 0.0, 0.0);
    for number in 0..invoices {
        let facts = facts(number, lines)?;
        let start = Instant::now();
        let xml = Invoice::draw(facts.clone())?.to_xml();
        written += start.elapsed().as_secs_f64();
        bytes += xml.len();
        let start = Instant::now();
        let received = Received::parse(&xml)?;
        let matches = received.matches(&facts.settlement, &facts.seller, &facts.buyer);
        read += start.elapsed().as_secs_f64();
        if let Err(differences) = matches {
            return Err(format!("invoice {number}: {differences:?}").into());
        }
    }
    println!("{invoices} invoices of {lines} lines, {} kB in all, one core", bytes / 1_000);
    println!("drawn and written: {:.0} a second", f64::from(invoices) / written);
    println!("read and compared: {:.0} a second", f64::from(invoices) / read);
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
        println!("memory at most: {}", peak["VmHWM:".len()..].trim());
    }
    Ok(())
}

fn facts(number: u32, lines: u32) -> Result<Facts, Box<dyn std::error::Error>> {
    let line = |index: u32| -> Result<Line, Box<dyn std::error::Error>> {
        let mut order = [0; 16];
        order[..4].copy_from_slice(&number.to_be_bytes());
        order[4..8].copy_from_slice(&index.to_be_bytes());
        let vat = match index % 3 {
            0 => VatCategory::Standard,
            1 => VatCategory::Reduced,
            _ => VatCategory::ExemptCulture,
        };
        Ok(Line {
            order: OrderId(order),
            title: Text::new("Teatro edukacija „Žalčių karalienė“ 5–8 klasėms")?,
            supplied: date(2026, 3, 1 + i8::try_from(index % 28)?),
            pupils: NonZeroU32::new(20).ok_or("a number of pupils")?,
            gross: Cents::new(9_973 + u64::from(number * 31 + index * 7) % 9_001),
            vat,
        })
    };
    let lines: Vec<Line> = (0..lines).map(line).collect::<Result<_, _>>()?;
    let mut statement = [0; 16];
    statement[..4].copy_from_slice(&number.to_be_bytes());
    let points = |points| BasisPoints::new(points).ok_or("a rate");
    let step = RateStep { from: date(2026, 1, 1), standard: points(2_100)?, reduced: points(1_200)? };
    Ok(Facts {
        settlement: Settlement {
            statement: StatementId(statement),
            total: Cents::new(lines.iter().map(|line| line.gross.get()).sum()),
            period: Period { from: date(2026, 3, 1), until: date(2026, 3, 31) },
            lines,
        },
        seller: seller()?,
        buyer: buyer()?,
        programme: Programme {
            reference: Some(Text::new("KP-2026")?),
            order: None,
            contract: Some(Text::new("S-2026/141")?),
            terms: None,
            rates: VatRates::new(vec![step])?,
        },
        heading: Heading {
            number: Text::new(&format!("KP-{number:06}"))?,
            issued: date(2026, 4, 2),
            due: date(2026, 5, 2),
            note: None,
        },
    })
}

fn address(city: &str) -> Result<Address, TextError> {
    Ok(Address { street: None, city: Text::new(city)?, post_code: None, country: Country::new("LT")? })
}

fn seller() -> Result<Seller, TextError> {
    Ok(Seller {
        identity: Identity::Legal(Text::new("302123456")?),
        name: Text::new("VšĮ „Žalčių teatras“")?,
        trading_name: None,
        address: address("Šiauliai")?,
        endpoint: Endpoint::legal_code("302123456")?,
        contact: None,
        registrations: vec![VatRegistration {
            number: VatNumber::new("LT100001234512")?,
            from: date(2015, 1, 1),
            until: None,
        }],
        account: Account { iban: Iban::new("LT121000011101001000")?, bic: None, holder: None },
    })
}

fn buyer() -> Result<Buyer, TextError> {
    Ok(Buyer {
        code: Text::new("190757374")?,
        name: Text::new("Lietuvos nacionalinė Martyno Mažvydo biblioteka")?,
        address: address("Vilnius")?,
        endpoint: Endpoint::legal_code("190757374")?,
        vat: None,
    })
}
