//! Founds a network in a folder: keys, genesis document, one home a validator.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use anyhow::Context;
use keis_audit::trial;
use keis_engine::guard::Beginning;
use keis_genesis::{ClockKind, Document, FORMAT, Genesis, Institution, Office, Officer, default_parameters};
use keis_ledger::crypto::{Hash, SecretKey};
use keis_ledger::ids::InstitutionId;
use keis_ledger::parameters::NetworkParameters;
use keis_ledger::time::{Span, Timestamp};
use keis_node::config::{Config, Peer};
use keis_node::home::{Home, NewHome};
use keis_wallet::random::{new_id, new_key, random_bytes};

/// Name of the founding document in a network's folder.
pub const GENESIS_FILE: &str = "genesis.json";

/// Name of the portal's folder in that of a network with a registry, of the folder of e-invoices in it, and of the one that stands
/// for the buyer's system.
pub(crate) const PORTAL: &str = "portal";
pub(crate) const INVOICES: &str = "invoices";
pub(crate) const BUYER: &str = "buyer";

/// The institutions of the culture passport, in the order in which a small network takes them.
const INSTITUTIONS: [(&str, &str); 7] = [
    ("ministry", "Lietuvos Respublikos kultūros ministerija"),
    ("library", "Lietuvos nacionalinė Martyno Mažvydo biblioteka"),
    ("agency", "Nacionalinė švietimo agentūra"),
    ("audit", "Valstybės kontrolė"),
    ("archive", "Lietuvos vyriausiasis archyvas"),
    ("register", "Valstybės įmonė Registrų centras"),
    ("treasury", "Finansų ministerija"),
];

/// Most validators of a network on one machine.
pub const MOST_VALIDATORS: usize = INSTITUTIONS.len();

/// A validator of a founded network.
pub struct Founded {
    /// Short name of the institution, also of its folder.
    pub name: &'static str,
    /// Its folder.
    pub home: PathBuf,
    /// Where its gateway will answer.
    pub gateway: SocketAddr,
}

/// A founded network with the secrets that its simulation needs.
pub struct Network {
    /// Hash of the founding document.
    pub hash: Hash,
    /// Its validators.
    pub validators: Vec<Founded>,
    /// Key of an officer of the operator.
    pub operator: SecretKey,
    /// Key of an officer of the budget holder.
    pub budget_holder: SecretKey,
    /// Keys by which the institutions vote on measures, in the order of the validators.
    pub governance: Vec<[SecretKey; 2]>,
    /// Key that steps the clock.
    pub driver: SecretKey,
}

/// File of a governance key of the institution with this number, counted from 1, in the folder of a simulated network: for
/// `keis governance --key`, so that officers of an open house can be appointed.
pub fn governance_key(number: usize) -> String {
    format!("governance-{number}.key")
}

struct Seat {
    name: &'static str,
    institution: Institution,
    consensus: SecretKey,
    network: SecretKey,
    governance: [SecretKey; 2],
    addresses: [SocketAddr; 3],
}

/// Founds a simulated network of `count` validators on this machine's loopback, beginning at `time`.
///
/// # Errors
/// When the folder cannot be written, or holds a network already.
pub fn simulated(folder: &Path, count: usize, time: Timestamp) -> anyhow::Result<Network> {
    simulated_under(folder, count, time, default_parameters())
}

/// The same under other parameters, such as an older version of the rules.
///
/// # Errors
/// As for [`simulated`].
pub fn simulated_under(
    folder: &Path,
    count: usize,
    time: Timestamp,
    parameters: NetworkParameters,
) -> anyhow::Result<Network> {
    anyhow::ensure!(
        (4..=MOST_VALIDATORS).contains(&count),
        "a network has 4 to {MOST_VALIDATORS} validators here, not {count}: every one must hold less than a third of the votes"
    );
    anyhow::ensure!(
        !folder.join(GENESIS_FILE).exists(),
        "{} holds a network already; name another folder, or take that one away",
        folder.display()
    );
    let (operator, budget_holder, driver) = (new_key(), new_key(), new_key());
    let seats = seats(count)?;
    let until = time.after(Span::days(20 * 366));
    let officer = |seat: usize, office, key: &SecretKey| Officer {
        institution: seats[seat].institution.id,
        office,
        key: key.public(),
        from: time,
        until,
    };
    let document = Document {
        format: FORMAT,
        name: "KEIS, simulated".to_owned(),
        time,
        clock: ClockKind::Simulated { driver: driver.public() },
        parameters,
        institutions: seats.iter().map(|seat| seat.institution.clone()).collect(),
        officers: vec![officer(0, Office::BudgetHolder, &budget_holder), officer(1, Office::Operator, &operator)],
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let genesis = document.check().context("the founding document")?;
    genesis.save(&folder.join(GENESIS_FILE))?;
    let mut validators = Vec::with_capacity(count);
    for seat in &seats {
        validators.push(settle(folder, seat, &seats)?);
    }
    for (number, seat) in (1..).zip(&seats) {
        keis_wallet::secret_file::create(&folder.join(governance_key(number)), &seat.governance[0])?;
    }
    let governance = seats.into_iter().map(|seat| seat.governance).collect();
    Ok(Network { hash: genesis.hash(), validators, operator, budget_holder, governance, driver })
}

/// Settles the four founders of the auditor's invented year on this machine's loopback, so that its transactions can be sent to them.
///
/// # Errors
/// When the folder cannot be written.
pub(crate) fn invented(folder: &Path, genesis: &Genesis) -> anyhow::Result<Network> {
    genesis.save(&folder.join(GENESIS_FILE))?;
    let founders = (1..).zip(&genesis.document().institutions).zip(INSTITUTIONS).zip(addresses(4)?);
    let seats: Vec<Seat> = founders
        .map(|(((number, institution), (name, _)), addresses)| Seat {
            name,
            institution: institution.clone(),
            consensus: trial::secret("consensus", number),
            network: trial::secret("network", number),
            governance: [0, 1].map(|which| trial::secret("governance", 2 * number + which)),
            addresses,
        })
        .collect();
    let validators = seats.iter().map(|seat| settle(folder, seat, &seats)).collect::<anyhow::Result<_>>()?;
    Ok(Network {
        hash: genesis.hash(),
        validators,
        operator: trial::operator(),
        budget_holder: trial::budget_holder(),
        governance: seats.into_iter().map(|seat| seat.governance).collect(),
        driver: trial::secret("driver", 0),
    })
}

/// Three free addresses for each of so many machines.
fn addresses(count: usize) -> anyhow::Result<Vec<[SocketAddr; 3]>> {
    // All listeners stay open until every port is drawn, so that no port is drawn twice.
    let mut listeners = Vec::new();
    let mut port = || -> anyhow::Result<SocketAddr> {
        let listener = free_port()?;
        let address = listener.local_addr()?;
        listeners.push(listener);
        Ok(address)
    };
    (0..count).map(|_| Ok([port()?, port()?, port()?])).collect()
}

fn seats(count: usize) -> anyhow::Result<Vec<Seat>> {
    let seats = INSTITUTIONS[..count].iter().zip(addresses(count)?).map(|((name, title), addresses)| {
        let (consensus, network, governance) = (new_key(), new_key(), [new_key(), new_key()]);
        let institution = Institution {
            id: new_id(InstitutionId),
            name: (*title).to_owned(),
            consensus_key: consensus.public(),
            network_key: network.public(),
            governance_keys: [governance[0].public(), governance[1].public()],
            power: 1,
        };
        Seat { name, institution, consensus, network, governance, addresses }
    });
    Ok(seats.collect())
}

/// A port below those that outgoing connections use: no dial takes it while its node is down.
pub(crate) fn free_port() -> anyhow::Result<TcpListener> {
    const PORTS: std::ops::Range<u16> = 10_000..32_768;
    const DRAWS: usize = 1_000;
    let draw = || PORTS.start + u16::from_le_bytes(random_bytes()) % (PORTS.end - PORTS.start);
    let mut bound = (0..DRAWS).filter_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, draw())).ok());
    bound.next().context("no free port on the loopback")
}

fn settle(folder: &Path, seat: &Seat, seats: &[Seat]) -> anyhow::Result<Founded> {
    let peers = seats
        .iter()
        .filter(|other| other.name != seat.name)
        .map(|other| Peer {
            network_key: other.institution.network_key,
            consensus: other.addresses[0],
            gossip: other.addresses[1],
        })
        .collect();
    let [consensus, gossip, gateway] = seat.addresses;
    let mut config = Config::new(PathBuf::from("..").join(GENESIS_FILE), consensus, gossip, gateway, peers);
    config.moniker = Some(seat.name.to_owned());
    // The second institution is the operator: see `simulated_under`.
    config.gateway.invoices = (seat.name == INSTITUTIONS[1].0).then(|| Path::new("..").join(PORTAL).join(INVOICES));
    let new = NewHome {
        config,
        consensus: seat.consensus.clone(),
        network: seat.network.clone(),
        beginning: Beginning::Genesis,
    };
    let home = folder.join(seat.name);
    Home::create(&home, &new).with_context(|| format!("the folder of {}", seat.name))?;
    Ok(Founded { name: seat.name, home, gateway })
}
