//! What a founding document says, for people and for programs. A document that breaks a rule is shown too.

use std::path::Path;

use keis_genesis::{CheckError, ClockKind, Document, Genesis, Office};
use keis_ledger::chain::Address;
use keis_ledger::time::Span;

use crate::words::{Advice, instant};

/// Shows a document; says whether it founds a network.
pub(super) fn run(file: &Path, json: bool) -> anyhow::Result<bool> {
    let document = Document::load(file).or_advise("`keis genesis new` makes a founding document.")?;
    let judged = document.clone().check();
    if json {
        print_json(&document, &judged)
    } else {
        print_words(&document, &judged)
    }
    Ok(judged.is_ok())
}

fn print_json(document: &Document, judged: &Result<Genesis, CheckError>) {
    let validators: Vec<_> = document
        .institutions
        .iter()
        .map(|institution| {
            serde_json::json!({
                "institution": institution.id,
                "address": Address::of(&institution.consensus_key),
                "power": institution.power,
            })
        })
        .collect();
    let shown = serde_json::json!({
        "hash": judged.as_ref().ok().map(Genesis::hash),
        "fault": judged.as_ref().err().map(ToString::to_string),
        "validators": validators,
        "document": document,
    });
    println!("{shown:#}");
}

fn print_words(document: &Document, judged: &Result<Genesis, CheckError>) {
    println!("{}", document.name);
    match judged {
        Ok(genesis) => println!("hash    {}", genesis.hash()),
        Err(fault) => println!("BREAKS A RULE, founds no network: {fault}"),
    }
    println!("time    {}", instant(document.time));
    match document.clock {
        ClockKind::Real => println!("clock   real"),
        ClockKind::Simulated { driver } => {
            println!("clock   simulated, stepped by {driver}: nothing on this network is real")
        }
    }
    let votes: u128 = document.institutions.iter().map(|institution| u128::from(institution.power)).sum();
    println!("\nInstitutions ({votes} votes)");
    for institution in &document.institutions {
        println!("  {}", institution.name);
        println!("    id             {}", institution.id);
        println!("    power          {}", institution.power);
        println!("    validator      {}", Address::of(&institution.consensus_key));
        println!("    consensus key  {}", institution.consensus_key);
        println!("    network key    {}", institution.network_key);
    }
    println!("\nOfficers");
    for officer in &document.officers {
        let of = document.institutions.iter().find(|institution| institution.id == officer.institution);
        let of = of.map_or_else(|| officer.institution.to_string(), |institution| institution.name.clone());
        println!("  {} of {of}", office(officer.office));
        println!("    key            {}", officer.key);
        println!("    in force       {} to {}", instant(officer.from), instant(officer.until));
    }
    let parameters = &document.parameters;
    println!("\nParameters");
    println!("  protocol         {}", parameters.protocol);
    println!("  max_validity     {}", length(parameters.max_validity));
    println!("  step_budget      {} records a block", parameters.step_budget);
    println!("  max_block_bytes  {}", parameters.max_block_bytes);
    println!("  max_touched      {} records a block", parameters.max_touched);
    println!("  clock_bound      {}", length(parameters.clock_bound));
}

fn office(office: Office) -> &'static str {
    match office {
        Office::Operator => "operator",
        Office::BudgetHolder => "budget holder",
        Office::Auditor => "auditor",
    }
}

fn length(span: Span) -> String {
    format!("{} s", span.0 as f64 / 1000.0)
}
