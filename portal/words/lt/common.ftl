site-name = Kultūros pasas
skip-to-content = Pereiti prie turinio
simulated-label = Apie šį tinklą
simulated-network = Bandomasis tinklas: žmonės, pinigai ir laikas čia išgalvoti.
nav-label = Pagrindinis meniu
nav-services = Paslaugos
nav-figures = Programos skaičiai
nav-school = Mano mokykla
nav-classes = Klasės
nav-orders = Užsakymai
nav-unreached = Dar niekur nebuvo
nav-provider = Mano įstaiga
nav-sessions = Užsiėmimai
nav-requests = Užsakymai
nav-statements = Suvestinės
nav-office = Darbai
nav-keys = Raktai
nav-year = Programos metai
nav-bills = Sąskaitos
nav-publishing = Paslaugų skelbimas
nav-import = Mokinių registras
nav-people = Dalyviai
nav-log = Žurnalas
nav-differences = Neatitikimai
nav-wallet = Mano raktai
nav-decisions = Sprendimai
nav-group-work = Darbai
nav-group-money = Metai ir lėšos
nav-group-register = Registras ir katalogas
nav-group-oversight = Priežiūra
other-language = English
sign-in = Prisijungti
sign-out = Atsijungti
footer = Kultūros paso informacinė sistema. Valdytoja – Kultūros ministerija, tvarkytoja – Lietuvos nacionalinė Martyno Mažvydo biblioteka.
footer-about = Prieinamumas ir asmens duomenys
go-home = Į pradžią
back = Atgal
save = Išsaugoti
cancel = Atšaukti
next-page = Kitas puslapis
yes = Taip
no = Ne
weekday-1 = pirmadienis
weekday-2 = antradienis
weekday-3 = trečiadienis
weekday-4 = ketvirtadienis
weekday-5 = penktadienis
weekday-6 = šeštadienis
weekday-7 = sekmadienis
count-pupils = { $category ->
    [one] { $n } mokinys
    [few] { $n } mokiniai
   *[other] { $n } mokinių
}
count-places = { $category ->
    [one] { $n } vieta
    [few] { $n } vietos
   *[other] { $n } vietų
}
count-orders = { $category ->
    [one] { $n } užsakymas
    [few] { $n } užsakymai
   *[other] { $n } užsakymų
}
count-services = { $category ->
    [one] { $n } paslauga
    [few] { $n } paslaugos
   *[other] { $n } paslaugų
}
count-sessions = { $category ->
    [one] { $n } užsiėmimas
    [few] { $n } užsiėmimai
   *[other] { $n } užsiėmimų
}
count-days = { $category ->
    [one] { $n } diena
    [few] { $n } dienos
   *[other] { $n } dienų
}
order-proposed = pasiūlytas
order-requested = laukia teikėjo
order-confirmed = patvirtintas
order-delivered = suteikta, laukia lankomumo
order-attended = lankomumas patvirtintas
order-attended_automatically = lankomumas patvirtintas automatiškai
order-settled = atsiskaityta
order-declined = atmestas
order-lapsed = nebegalioja
order-cancelled_free = atšauktas nemokamai
order-cancelled_late = atšauktas pavėluotai
order-cancelled_by_provider = atšaukė teikėjas
order-cancelled_force_majeure = atšaukta dėl nenugalimos jėgos
order-disputed = ginčijama
order-reversed = lėšos grąžintos
statement-issued = laukia teikėjo
statement-accepted = priimta
statement-contested = ginčijama
statement-invoice_attached = pridėta sąskaita
statement-approved = sąskaita patvirtinta
statement-paid = apmokėta
statement-reconciled = apmokėta ir sutikrinta
statement-credited = visa kredituota
trouble-signin = Reikia prisijungti
trouble-signin-more = Prisijunkite ir grįšite į šį puslapį.
trouble-forbidden = Šio puslapio jums rodyti negalime
trouble-forbidden-more = Jūsų vaidmuo neleidžia šio veiksmo. Jei turėtumėte turėti teisę, kreipkitės į savo įstaigos administratorių.
trouble-not-found = Tokio puslapio nėra
trouble-not-found-more = Patikrinkite adresą arba grįžkite į pradžią.
trouble-method = Šis adresas taip nenaudojamas
trouble-method-more = Grįžkite ir bandykite dar kartą iš puslapio, kuriame buvote.
trouble-malformed = Ne visi laukai užpildyti tinkamai
trouble-field = Kuris nors laukas tuščias arba jo reikšmė netinkama. Grįžkite ir pataisykite.
trouble-body = Išsiųsti duomenys neatėjo iki galo. Grįžkite ir bandykite dar kartą.
trouble-too-large = Išsiųsta per daug duomenų
trouble-too-large-more = Sumažinkite failą arba padalykite jį į dalis.
trouble-sealed = Šie metai užantspauduoti
trouble-sealed-more = Už visas tų metų paslaugas atsiskaityta, metai uždaryti. Jų užsakymai ir suvestinės saugomi tik archyvuose: kreipkitės į programos tvarkytoją, kuris gali juos parodyti su įrodymu.
trouble-ledger = Apskaitos tinklas dabar neatsako
trouble-ledger-more = Nieko neprarasta. Palaukite minutę ir bandykite dar kartą.
trouble-internal = Įvyko klaida
trouble-internal-more = Ji užrašyta mūsų žurnale. Bandykite dar kartą; jei nepavyks, kreipkitės į pagalbą.
