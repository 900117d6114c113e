books-link = Laikotarpio ataskaita
books-payable-link = Mokėjimo nurodymai iždui
books-payments-link = Įrašyti mokėjimus iš failo
books-age-today = seniausia – šiandien
books-age = { $category ->
    [one] seniausia laukia { $n } dieną
    [few] seniausia laukia { $n } dienas
   *[other] seniausia laukia { $n } dienų
}
books-title = { $year } metų laikotarpio ataskaita
books-intro = Suvestinė priskiriama laikotarpiui, kurį teikėjas ją priėmė, kreditavimas – laikotarpiui, kurį jis įvyko. Laikotarpiai prasideda vidurnaktį Vilniaus laiku. Prieš užantspauduojant metus jų ataskaitos išsaugomos ir lieka čia.
books-period = Laikotarpis
books-period-all = visas metų atsiskaitymas
books-period-year = { $year } m.
books-period-quarter = { $year } m. { $quarter } ketvirtis
books-period-wrong = Tokio laikotarpio nėra.
books-by = Grupuoti pagal
books-by-provider = teikėją
books-by-place = mokyklos savivaldybę
books-by-vat = PVM
books-by-buyer = mokėtoją
books-by-everything = viską
books-agrees = Sutampa su apskaita centas į centą
books-differs = Suskaičiuota suma nesutampa su apskaita. Nieko nepasirašinėkite ir kreipkitės į tvarkytoją: skirtumai – lentelėje žemiau.
books-read = Skaičiuota pagal { $time } būseną, { $height } blokas.
books-rows-csv = Atsisiųsti eilutes (CSV)
books-accounts-csv = Atsisiųsti sąskaitas (CSV)
books-accepted-title = Priimta ir kredituota
books-accepted-more = Sumos – su mokesčiu. Užsakymas, apmokamas ir valstybės, ir mokyklos lėšomis, skaičiuojamas prie kiekvieno mokėtojo.
books-rows = { $category ->
    [one] { $n } eilutė
    [few] { $n } eilutės
   *[other] { $n } eilučių
}
books-rows-none = Šį laikotarpį nieko nepriimta ir nekredituota.
books-provider = Teikėjas
books-code = Kodas
books-place = Mokyklos savivaldybė
books-vat = PVM
books-money = Lėšos
books-buyer = Mokėtojas
books-orders = Užsakymai
books-pupils = Mokiniai
books-accepted = Priimta
books-credits = Kreditavimai
books-credited = Kredituota
books-net = Iš viso
books-sum = Suma
books-unknown = nežinoma
books-accounts-title = Atsiskaitymo sąskaitos
books-accounts-caption = Nuo laikotarpio pradžios iki pabaigos
books-account = Sąskaita
books-entry = Įrašas
books-amount = Suma
books-account-accepted = Priimtos suvestinės
books-account-settlement = Suvestinėse esančios lėšos
books-account-paid = Sumokėta
books-account-receivable = Teikėjų skolos
books-entry-accepted = priimta
books-entry-opening = laikotarpio pradžioje
books-entry-closing = laikotarpio pabaigoje
books-entry-issued = įtraukta į suvestines
books-entry-contested = teikėjai užginčijo
books-entry-paid = sumokėta per banką
books-entry-came-back = bankas grąžino
books-entry-set-off = įskaityta skola
books-entry-credited = kredituota
books-entry-repaid = teikėjai grąžino
books-checks-title = Palyginimas su apskaita
books-checks-more = Kairėje – kas suskaičiuota iš kvitų ir užsakymų, dešinėje – ką rodo pačios apskaitos sumos dabar.
books-check = Kas lyginama
books-check-settlement = Suvestinėse esančios lėšos dabar
books-check-paid = Sumokėta iki dabar
books-check-receivable = Teikėjų skolos dabar
books-check-orders = Priimtų užsakymų kaina po kreditavimų
books-check-rows-accepted = Laikotarpio eilutės: priimta
books-check-rows-credited = Laikotarpio eilutės: kredituota
books-reckoned = Suskaičiuota
books-ledger = Apskaitoje
books-difference = Skirtumas
books-difference-none = nėra
books-csv-rows = ataskaita-eilutes
books-csv-accounts = ataskaita-saskaitos
books-csv-refused = nepriimtos-eilutes
books-csv-reference = Mokėjimo nuoroda
books-csv-purpose = Mokėjimo paskirtis
books-csv-due = Sumokėti iki
books-purpose = Saskaita fakt. { $invoice }, suvestine { $statement }
books-payable-title = Mokėjimo nurodymai iždui
books-payable-intro = Patvirtintos suvestinės, kurias apmoka jūsų įstaiga. Tas pats failas, kol niekas neįrašyta, yra vienodas, o kiekvieno mokėjimo nuoroda – vienkartinė: iždas tą patį nurodymą atpažįsta.
books-payable-orders = Nurodymų
books-payable-count = { $category ->
    [one] { $n } mokėjimas
    [few] { $n } mokėjimai
   *[other] { $n } mokėjimų
}
books-payable-control = Prieš tvirtindami palyginkite iždo programos rodomą mokėjimų skaičių ir sumą su šiais. Maiša yra atsisiunčiamo failo.
books-payable-columns = Gavėjas, jo kodas ir sąskaita (IBAN), suma ir valiuta, sąskaitos faktūros numeris, mokėtojas, suvestinės data ir numeris, mokėjimo nuoroda (iki 35 ženklų, SEPA EndToEndId), paskirtis (iki 140 ženklų), diena, iki kurios sumokėti: kaip rašo sąskaita faktūra, o jei ji sudaryta ne čia – po programos sąlygose nustatytų dienų (kitaip 30) nuo patvirtinimo.
books-out-title = Ko faile nėra
books-out-caption = Patvirtintos suvestinės, kurių apmokėti dar negalima
books-out-nothing = Faile yra visos jūsų įstaigos mokėtinos suvestinės.
books-out-none = Teikėjas neturi patvirtintos sąskaitos banke. Ją nustato dviejų institucijų sprendimas.
books-out-elsewhere = Sąskaita banke patvirtinta apskaitoje, bet jos numerio šiame registre nėra. Įrašykite ją iš naujo sprendimu.
books-out-wrong = Registre esantis sąskaitos numeris nėra teisingas IBAN.
books-why = Priežastis
books-columns-title = Failo stulpeliai
books-columns-caption = Ką turi turėti failas
books-columns-more = Pirma eilutė – stulpelių pavadinimai, bet kokia tvarka; tinka ir lietuviški (Mokėjimo nuoroda, Suma, Data, Mokėjimo numeris banke). Skiriama kabliataškiu arba kableliu, UTF-8; kitų stulpelių nepaisoma.
books-column = Stulpelis
books-column-what = Kas jame
books-column-reference = mokėjimo nuoroda iš nurodymo arba suvestinės numeris
books-column-amount = sumokėta suma eurais, su kableliu arba tašku
books-column-day = diena, kurią bankas įvykdė, pavyzdžiui, 2026-03-05
books-column-bank = mokėjimo numeris banke; kiekvienas – vieną kartą
books-payments-title = Įrašyti mokėjimus iš failo
books-payments-intro = Įkelkite banko ar iždo įvykdytų mokėjimų failą. Pirma pamatysite, kas bus su kiekviena eilute; nieko neįrašoma, kol nepasirašote. Tas pats failas, įkeltas dar kartą, nieko nepakeičia. Diena tik patikrinama: apskaita įrašo, kada mokėjimas įrašytas.
books-file = Failas (CSV)
books-file-limits = Iki { $kilobytes } KB ir { $lines } eilučių. Vienu kartu pasirašoma iki { $part } mokėjimų.
books-upload = Patikrinti failą
books-upload-title = Naujas failas
books-file-none = Failas nepasirinktas arba tuščias.
books-file-empty = Faile nėra nė vienos eilutės.
books-file-long = Failas per didelis: padalykite jį.
books-file-many = Faile per daug eilučių: padalykite jį.
books-file-not-text = Tai ne UTF-8 tekstas.
books-file-columns = Nėra visų stulpelių: pirmoje eilutėje turi būti reference, amount, booking_day, bank_reference arba jų lietuviški pavadinimai.
books-file-gone = Failas nebesaugomas: įkelkite jį dar kartą.
books-forget = Baigti darbą su šiuo failu
books-outcome-title = Kas faile
books-outcome-caption = Eilutės pagal tai, kas su jomis bus
books-outcome-nothing = Visos eilutės jau įrašytos: nieko nepasikeitė.
books-fate = Kas bus
books-fate-ready = galima įrašyti
books-fate-recorded = jau įrašyta
books-fate-refused = nepriimta
books-lines = Eilutės
books-next-title = Pasirašyti dabar
books-next-more = { $category ->
    [one] Liko įrašyti { $n } eilutę.
    [few] Liko įrašyti { $n } eilutes. Pasirašę šią dalį grįšite čia tęsti.
   *[other] Liko įrašyti { $n } eilučių. Pasirašę šią dalį grįšite čia tęsti.
}
books-next-caption = { $category ->
    [one] { $n } mokėjimas
    [few] { $n } mokėjimai
   *[other] { $n } mokėjimų
}
books-refused-title = Nepriimtos eilutės
books-refused-csv = Atsisiųsti nepriimtas eilutes su priežastimis (CSV)
books-refused-caption = { $category ->
    [one] { $n } nepriimta eilutė
    [few] { $n } nepriimtos eilutės
   *[other] { $n } nepriimtų eilučių
}
books-line = Eilutė
books-reference = Nuoroda
books-day = Diena
books-bank = Mokėjimo numeris banke
books-line-reference = Nuoroda nėra nei mokėjimo nuoroda, nei suvestinės numeris.
books-line-amount = Suma neteisinga: reikia teigiamos sumos, ne daugiau kaip du skaitmenys po kablelio.
books-line-day = Dienos nėra arba ji neteisinga.
books-line-bank = Mokėjimo numerio banke nėra, jis per ilgas arba jame netinkamų ženklų.
books-line-twice = Toks mokėjimo numeris faile jau buvo.
books-line-statement-twice = Šios suvestinės mokėjimas faile jau buvo: antrą įrašykite atskirai.
books-line-unknown = Tokios suvestinės ar mokėjimo nurodymo šiais metais nėra.
books-line-future = Diena dar neatėjo.
books-line-order-done = Pagal šį nurodymą jau įrašytas kitas mokėjimas: patikrinkite, ar nesumokėta du kartus.
books-line-not-payer = Šią suvestinę apmoka kita įstaiga.
books-line-closed = Suvestinė jau apmokėta arba kredituota: patikrinkite, ar nesumokėta du kartus.
books-line-not-approved = Suvestinės sąskaita faktūra dar nepatvirtinta.
books-line-above = Sumokėta daugiau, negu liko mokėti.
books-line-below = Sumokėta mažiau, negu liko mokėti. Jei taip ir turi būti, įrašykite ranka.
books-line-used = Toks mokėjimo numeris įrašytas prie kitos suvestinės.
books-line-returned = Šį mokėjimą bankas grąžino; tas pats numeris nebepriimamas.
books-line-otherwise = Šis mokėjimas įrašytas kita suma.
books-compare-link = Sutikrinti šį failą su tuo, kas jau įrašyta
books-compare-title = Sutikrinti failą su įrašytais mokėjimais
books-compare-intro = Suvestinė sutikrinama, kai failas rodo kiekvieną jos mokėjimą ta pačia suma. Pasirašę dalį grįšite čia tęsti.
books-compare-caption = Suvestinės, kurių visus mokėjimus failas rodo
books-compare-found = { $category ->
    [one] { $n } suvestinę galima sutikrinti
    [few] { $n } suvestines galima sutikrinti
   *[other] { $n } suvestinių galima sutikrinti
}
books-compare-missing = { $category ->
    [one] { $n } sutikrinti laukianti suvestinė faile nerodoma arba rodoma ne visa
    [few] { $n } sutikrinti laukiančios suvestinės faile nerodomos arba rodomos ne visos
   *[other] { $n } sutikrinti laukiančių suvestinių faile nerodoma arba rodoma ne visos
}
books-line-not-recorded = Bankas rodo mokėjimą, kurio apskaitoje nėra: praneškite įstaigai, kuri moka.
books-line-not-comparer = Šią suvestinę su banku sutikrina kita įstaiga.
books-line-part = Suvestinė dar ne visa apmokėta.
books-before-seal = Pirma išsaugokite laikotarpio ataskaitą: užantspauduotų metų ji nebesudaroma.
books-line-long = Eilutės langelis per ilgas.
books-sealed = Metai užantspauduoti { $time }. Ši ataskaita išsaugota prieš tai, jos sumos sutampa su antspaudo sumomis.
books-sealed-differs = Metai užantspauduoti { $time }. Ši ataskaita išsaugota prieš tai, bet jos sumos nesutampa su antspaudo sumomis: po jos dar kažkas įvyko. Kas – matyti knygos archyve.
