# Mokyklos puslapiai.
school-home-title = Mano mokykla
school-wallet-missing = Mokyklos piniginė dar neatidaryta, todėl užsakyti negalima. Ją atidarys programos darbuotojas – jei netrukus to nepadarys, paskambinkite jam.
school-wallet-suspended = Mokyklos piniginė sustabdyta: naujų užsakymų pateikti negalima, ankstesni vykdomi toliau. Kreipkitės į programos darbuotoją.
school-wallet-closed = Mokyklos piniginė uždaryta.
school-notices = Pranešimai
school-notice-more = Žiūrėti
school-notice-dismiss = Perskaičiau
school-notice-officer = Programos darbuotojas jūsų prašymu atliko veiksmą mokyklos vardu. Jei to neprašėte, paskambinkite jam.
school-notice-key-approved = Raktas patvirtintas ir netrukus pradės galioti.
school-notice-key-active = Raktas pradėjo galioti.
school-notice-key-refused = Prašymas dėl rakto atmestas.
school-notice-key-revoked = Raktas panaikintas.
school-own-tasks = Laukia jūsų
school-no-own-tasks = Šiuo metu nieko daryti nereikia.
school-others-tasks = Laukia kitų
school-no-others-tasks = Nieko nelaukiame.
school-waits-proposal = Mokytojas pasiūlė. Koordinatorius turi užsakyti arba atsisakyti iki
school-waits-change = Teikėjas siūlo pakeitimą. Priimkite arba atmeskite iki
school-waits-own-change = Pasiūlėte pakeitimą. Teikėjas turi atsakyti iki
school-waits-request = Teikėjas turi atsakyti iki
school-waits-report = Vizitas įvyko. Teikėjas turi pranešti, kas dalyvavo, iki
school-waits-unreported = Teikėjas apie vizitą nepranešė. Užsakymą galite nemokamai atšaukti. Terminas baigėsi
school-waits-attendance = Patvirtinkite, kas dalyvavo. Nepatvirtinus galios teikėjo sąrašas nuo
school-waits-dispute = Užsakymas ginčijamas. Turi nuspręsti dviejų institucijų pareigūnai.
school-waits-amendment = Siūloma pataisyti lankomumą.
school-money-of-year = { $year } m. lėšos
school-state-left = Mokinių pasų likutis
school-purse = Mokyklos pačios lėšos
school-unreached = Dar niekur nebuvo
school-unreached-count = { $category ->
    [one] { $n } mokinys
    [few] { $n } mokiniai
   *[other] { $n } mokinių
}
school-window-until = Paslaugos šiemet teikiamos iki
school-unspent = Mokinių pasuose dar yra { $sum }. Kas liks nepanaudota po { $until }, grįš į biudžetą. Liko { $days }.
school-visits = Artimiausi vizitai
school-visits-caption = Užsakyti vizitai nuo artimiausio
school-no-visits = Nieko neužsakyta.
school-find-service = Ieškoti paslaugos
school-see-classes = Klasės ir jų lėšos
school-column-service = Paslauga
school-column-when = Kada
school-column-state = Būsena
school-column-pupils = Mokiniai
school-column-pupil = Mokinys
school-column-money = Suma
school-column-class = Klasė
school-column-left = Likutis
school-column-unreached = Dar niekur nebuvo
school-column-last = Paskutinis vizitas
school-column-next = Artimiausias vizitas
school-column-tick = Pažymėti
school-column-number = Nr.
school-column-present = Dalyvavo
school-column-signature = Parašas
school-change-waiting = laukia pakeitimas
school-classes-title = Klasės ir jų lėšos
school-classes-intro = Pasirinkite klasę: matysite mokinius, jų pasų likučius ir vizitus.
school-classes-caption = Mokyklos klasės
school-no-classes = Registre šios mokyklos mokinių dar nėra.
school-all-classes = Visa mokykla
school-class-title = { $class } klasė
school-class-of-branch = { $class } (skyrius { $branch })
school-back-to-classes = Visos klasės
school-back-to-orders = Visi užsakymai
school-back-to-order = Grįžti į užsakymą
school-tick-all = Pažymėti visus
school-tick-class = Pažymėti visą klasę
school-tick-part = Pažymėti šio puslapio klasės mokinius
school-class-in-part = šiame puslapyje – ne visi
school-choose-service = Rinktis paslaugą pažymėtiems
school-print = Spausdinti
school-none-chosen = Nieko nepažymėjote. Pažymėkite bent vieną mokinį.
school-chosen = { $category ->
    [one] Pažymėtas { $n } mokinys. Dabar raskite paslaugą ir užsiėmimą.
    [few] Pažymėti { $n } mokiniai. Dabar raskite paslaugą ir užsiėmimą.
   *[other] Pažymėta { $n } mokinių. Dabar raskite paslaugą ir užsiėmimą.
}
school-not-allocated = Šių metų lėšos dar nepaskirtos
school-unreached-title = Dar niekur nebuvo
school-unreached-summary = Šiemet dar niekur nebuvo { $found } iš { $of }.
school-unreached-left = Jų pasuose liko { $left }; galima panaudoti iki { $until }.
school-nobody-unreached = Visi mokiniai šiemet jau kur nors buvo.
school-nobody-unbooked = Visi, kurie dar niekur nebuvo, jau turi užsakytą vizitą.
school-only-unbooked = Tik tie, kuriems nieko ir neužsakyta
school-show = Rodyti
school-orders-title = Užsakymai
school-any-state = Visos būsenos
school-year = Metai
school-no-orders = Tokių užsakymų nėra.
school-pages = Puslapiai
school-page-of = { $page } puslapis iš { $last }
school-page-before = Ankstesnis puslapis
school-pupil-unknown = Mokinys, kurio duomenų nebesaugome
school-deadline = { $at } ({ $left })
school-deadline-past = { $at } (jau praėjo)
school-left-soon = liko mažiau nei valanda
school-left-hours = { $category ->
    [one] liko { $n } valanda
    [few] liko { $n } valandos
   *[other] liko { $n } valandų
}
school-left-days = { $category ->
    [one] liko { $n } diena
    [few] liko { $n } dienos
   *[other] liko { $n } dienų
}
school-length-hours = { $category ->
    [one] { $n } valanda
    [few] { $n } valandos
   *[other] { $n } valandų
}
school-length-days = { $category ->
    [one] { $n } diena
    [few] { $n } dienos
   *[other] { $n } dienų
}
school-state-money = { $sum } iš mokinių pasų
school-own-money = { $sum } iš mokyklos lėšų
school-both-money = { $state } iš mokinių pasų ir { $school } iš mokyklos lėšų
school-fit-fits = Tinka
school-fit-no-wallet = Šių metų piniginė dar neatidaryta
school-fit-suspended = Piniginė sustabdyta
school-fit-closed = Piniginė uždaryta
school-fit-moved = Perėjo į kitą mokyklą
school-fit-grade = Paslauga skirta kitoms klasėms
school-fit-elsewhere = Tuo metu jau užsakytas kitas vizitas
school-new-title = Naujas užsakymas
school-take-up-title = Mokytojo pasiūlymas
school-take-up-intro = Mokytojas pasiūlė šį vizitą. Patikrinkite mokinius ir užsakykite.
school-choose-session = Pirmiausia raskite paslaugą ir pasirinkite užsiėmimo laiką.
school-errors = Dar negalima pasirašyti
school-fact-service = Paslauga
school-fact-provider = Teikėjas
school-fact-when = Kada
school-fact-place = Kur
school-fact-grades = Kam
school-fact-price = Kaina mokiniui
school-fact-free = Laisvų vietų
school-fact-pupils = Mokiniai
school-fact-money = Suma
school-fact-school-money = Mokyklos lėšų ne daugiau kaip
school-fact-answer = Teikėjas turi atsakyti iki
school-fact-cancel = Nemokamai atšaukti galima iki
school-fact-change = Laiką keisti galima iki
school-fact-attendance = Lankomumas po vizito
school-fact-late-share = Atšaukus vėliau teikėjui liktų
school-fact-orderer = Užsakė
school-fact-id = Užsakymo žymuo
school-orderer-pupil = pats mokinys
school-a-pupil = { $sum } už mokinį
school-working-days = { $category ->
    [one] patvirtinti per { $n } darbo dieną, vėliau galios teikėjo sąrašas
    [few] patvirtinti per { $n } darbo dienas, vėliau galios teikėjo sąrašas
   *[other] patvirtinti per { $n } darbo dienų, vėliau galios teikėjo sąrašas
}
school-grade = { $grade } klasės mokiniams
school-grades = { $from }–{ $until } klasių mokiniams
school-blocked-year = Programos metai baigėsi, naujų užsakymų nebepriimame.
school-blocked-service = Ši paslauga šiuo metu neužsakoma.
school-blocked-closed = Į šį užsiėmimą užsakymai nebepriimami.
school-blocked-begun = Šis užsiėmimas jau prasidėjo.
school-blocked-full = Laisvų vietų nebėra.
school-other-sessions = Kiti užsiėmimai
school-which-classes = Iš kurių klasių
school-which-classes-hint = Pažymėkite klases ir parodykite jų mokinius. Galima pažymėti ir visus tinkamus iš karto.
school-show-pupils = Rodyti mokinius
school-show-whole = Rodyti ir pažymėti visus
school-see-order = Žiūrėti užsakymą
school-sum = Kiek kainuos
school-js-pupils = %n%
school-sum-total = Iš viso
school-sum-state = Iš mokinių pasų
school-sum-missing = Trūksta, mokėtų mokykla
school-purse-lacks = Mokyklos lėšų neužtenka. Atžymėkite mokinius, kuriems trūksta, arba įneškite mokyklos lėšų.
school-over-free = Pažymėta daugiau mokinių, negu yra laisvų vietų.
school-money-field = Mokyklos lėšų ne daugiau kaip (eurais)
school-money-hint = Tiek mokyklos lėšų leidžiate panaudoti šiam užsakymui. Imama tik tiek, kiek trūksta mokinių pasuose.
school-recalculate = Perskaičiuoti
school-order = Užsakyti
school-propose = Siūlyti koordinatoriui
school-order-more = Kitame puslapyje matysite, ką pasirašote. Pinigai bus rezervuoti, kol teikėjas atsakys.
school-propose-more = Kitame puslapyje matysite, ką pasirašote. Pasiūlymas vietų nerezervuoja: užsakyti turi koordinatorius.
school-fault-lost = { $category ->
    [one] { $n } pažymėtas mokinys nebetinka arba jo klasė neberodoma. Patikrinkite sąrašą.
    [few] { $n } pažymėti mokiniai nebetinka arba jų klasės neberodomos. Patikrinkite sąrašą.
   *[other] { $n } pažymėtų mokinių nebetinka arba jų klasės neberodomos. Patikrinkite sąrašą.
}
school-fault-too-many = Viename užsakyme gali būti ne daugiau kaip { $n } mokinių.
school-fault-too-many-lines = Užsakyme jau buvo per daug mokinių. Papildomiems sukurkite kitą užsakymą.
school-fault-full = { $category ->
    [one] Liko tik { $n } laisva vieta.
    [few] Liko tik { $n } laisvos vietos.
   *[other] Liko tik { $n } laisvų vietų.
}
school-fault-money = Įrašykite sumą eurais, pavyzdžiui, 12,50.
school-fault-purse = Mokiniams trūksta { $missing }, bet mokyklos lėšų nepakanka: dar reikia { $lacking }.
school-fault-shortfall = Mokinių pasuose trūksta { $missing }. Leiskite panaudoti bent tiek mokyklos lėšų arba atžymėkite dalį mokinių.
school-fault-cap = Užsakymas kainuotų { $total }, o jūsų raktas vienam užsakymui leidžia ne daugiau kaip { $cap }. Atžymėkite dalį mokinių arba paprašykite programos darbuotojo didesnės ribos.
school-fault-no-change = Nieko nepakeista. Pasirinkite kitą laiką arba mokinius.
school-fault-line-gone = Sąrašas tuo metu pasikeitė. Patikrinkite ir bandykite dar kartą.
school-fault-nobody-left = Užsakyme turi likti bent vienas mokinys. Jei nevyks niekas, užsakymą atšaukite.
school-fault-no-swap = Nepasirinkote, kas vyks vietoj šių mokinių.
school-fault-twice = Tas pats mokinys pasirinktas du kartus.
school-warn-late = Iki užsiėmimo liko mažai laiko ({ $span } ar mažiau): kai teikėjas patvirtins, atšaukus jam liktų { $share } už mokinį.
school-warn-year-end = Artėja metų pabaiga: jei vizitas neįvyks arba bus atšauktas, kitam gali nelikti laiko. Nepanaudoti pinigai po { $until } grįš į biudžetą.
school-warn-window-over = Paslaugos šiemet buvo teikiamos iki { $until }. Atšaukus pinigai mokinių pasuose nebebus panaudoti ir grįš į biudžetą.
school-warn-ended = Šio užsakymo programos metai baigėsi: sugrąžinti pinigai grįš į biudžetą, o ne į mokinių pasus.
school-warn-small = Grupė maža. Teikėjas gali tokio užsakymo nepriimti.
school-warn-large = { $category ->
    [one] Grupė per didelė: yra tik { $n } laisva vieta.
    [few] Grupė per didelė: yra tik { $n } laisvos vietos.
   *[other] Grupė per didelė: yra tik { $n } laisvų vietų.
}
school-warn-session-gone = Į siūlomą užsiėmimą patekti nebegalima.
school-warn-busy = Tuo metu kitą vizitą jau turi: { $who }.
school-warn-adding = Naujų mokinių vietos kainuos { $sum }.
school-warn-lacking = Trūksta { $sum }: tiek viršijama mokyklos lėšų suma, kurią leidote šiam užsakymui.
school-sign-request = Užsakymas
school-sign-propose = Pasiūlymas koordinatoriui
school-sign-accept = Pakeitimo priėmimas
school-sign-refuse = Pakeitimo atmetimas
school-sign-take-back = Pakeitimo atsiėmimas
school-sign-change = Pakeitimo siūlymas
school-sign-swap = Mokinių keitimas
school-sign-drop = Mokinių išbraukimas
school-next-proposed = Koordinatorius turi užsakyti arba atsisakyti iki { $until }. Vietos dar nerezervuotos.
school-next-requested = Teikėjas turi atsakyti iki { $until }. Neatsakius užsakymas nebegalios ir pinigai grįš.
school-next-confirmed = Vizitas patvirtintas. Prasideda { $until }.
school-next-report = Teikėjas turi pranešti, kas dalyvavo, iki { $until }. Nepranešus užsakymą galėsite atšaukti nemokamai.
school-next-unreported = Teikėjas nepranešė, kad vizitas įvyko. Terminas buvo { $until }. Jei vizitas neįvyko, atšaukite užsakymą – mokėti nereikės.
school-next-delivered = Patvirtinkite, kas dalyvavo, iki { $until }. Nepatvirtinus galios teikėjo sąrašas.
school-next-automatic = Lankomumo laikas baigėsi, galios teikėjo sąrašas.
school-next-attended = Nieko daryti nereikia. Lankomumą galima pataisyti abiem pusėms sutarus, kol užsakymas neįtrauktas į suvestinę.
school-next-decided = Nieko daryti nereikia: ginčas išspręstas, priklausanti suma galutinė.
school-next-settled = Atsiskaityta, nieko daryti nereikia.
school-next-declined = Teikėjas užsakymo nepriėmė, pinigai grąžinti. Raskite kitą užsiėmimą.
school-next-lapsed = Laiku niekas neatsakė, pinigai grąžinti. Jei vizito dar norite, užsakykite iš naujo.
school-next-cancelled = Atšaukta, pinigai grąžinti.
school-next-cancelled-late = Atšaukta pavėluotai: dalis liko teikėjui, kita grąžinta.
school-next-cancelled-provider = Teikėjas atšaukė, pinigai grąžinti. Raskite kitą užsiėmimą.
school-actions = Ką galite daryti
school-until = iki { $until }
school-act-take-up = Užsakyti
school-act-change = Siūlyti kitą laiką ar mokinius
school-act-pupils = Pakeisti ar išbraukti mokinius
school-act-attendance = Patvirtinti lankomumą
school-act-amend = Siūlyti pataisyti lankomumą
school-act-cancel = Atšaukti
school-told-coordinator = Užsakyti, keisti ir atšaukti gali mokyklos koordinatorius.
school-facts = Užsakymas
school-line-proposed = pasiūlytas
school-line-booked = vyksta
school-line-dropped = nevyksta
school-line-attended = dalyvavo
school-line-absent = nedalyvavo
school-line-reversed = grąžinta
school-lines-caption = Mokiniai. { $total }
school-print-list = Spausdinti sąrašą ir lankomumo lapą
school-events = Eiga
school-on-behalf = atliko programos darbuotojas jūsų prašymu
school-receipt = Kvito žymuo
school-next-cancelled-force-majeure = Užsiėmimas negalėjo įvykti: visos lėšos grąžintos, mokėti nereikia.
school-next-disputed = Užsakymas ginčijamas; lėšos laukia, kol ginčas bus atsiimtas arba jį išspręs dviejų institucijų pareigūnai.
school-next-reversed = Mokėtos lėšos grąžintos dviejų institucijų pareigūnų sprendimu.
school-event-returned = grąžinta: { $sum }
school-change-own = Jūsų pasiūlytas pakeitimas laukia teikėjo
school-change-provider = Teikėjas siūlo pakeitimą
school-change-time = Kitas laikas: { $to }, { $place } (dabar { $from }).
school-change-drop = Nemokamai išbraukti: { $who }.
school-change-add = Pridėti: { $who }.
school-change-absent = Nedalyvavo: { $who }.
school-change-all-there = Dalyvavo visi.
school-change-cost = Užsakymas tada kainuotų { $sum }.
school-accept = Priimti
school-refuse = Atmesti
school-take-back = Atsiimti
school-no-longer = To su šiuo užsakymu padaryti nebegalima. Žemiau matyti, kaip yra dabar.
school-attendance-not-yet = Lankomumą galėsite patvirtinti, kai teikėjas praneš, kad vizitas įvyko.
school-cancel-title = Atšaukti užsakymą
school-cancel-cost = Ką tai reiškia
school-cancel-free = Nemokamai atšaukti galima iki { $until }. Visi pinigai grįžta.
school-cancel-unreported = Teikėjas nepranešė, kad vizitas įvyko, todėl atšaukti galima nemokamai. Visi pinigai grįžta.
school-cancel-late = Nemokamai atšaukti buvo galima iki { $since }. Dabar teikėjui liktų { $each } už mokinį, iš viso { $total }; kiti pinigai grįžta.
school-cancel-button = Atšaukti užsakymą
school-keep = Palikti užsakymą
school-change-title = Siūlyti kitą laiką ar mokinius
school-change-intro = Pakeitimas įsigalios, kai teikėjas jį priims. Pasiūlyti galima iki { $until }.
school-change-waits = Kol teikėjas pakeitimo nepriims, viskas lieka kaip yra.
school-change-add-from = Pridėti mokinių
school-change-add-legend = Kuriuos pridėti
school-change-time-heading = Laikas
school-change-session = Užsiėmimas
school-change-same = Palikti tą patį laiką
school-change-no-sessions = Kitų užsiėmimų, kuriuose tilptų visi mokiniai, šiuo metu nėra.
school-busy-then = { $category ->
    [one] { $n } mokinys tuo metu užsiėmęs
    [few] { $n } mokiniai tuo metu užsiėmę
   *[other] { $n } mokinių tuo metu užsiėmę
}
school-change-drop-legend = Kuriuos išbraukti
school-change-drop-hint = Jei teikėjas sutiks, už išbrauktuosius mokėti nereikės.
school-change-button = Siūlyti teikėjui
school-pupils-title = Pakeisti ar išbraukti mokinius
school-pupils-legend = Kurie mokiniai nevyks
school-swap-class-hint = Vietoj jų galima siųsti tos pačios klasės mokinius. Jei reikia kitos klasės, pasirinkite ją čia.
school-swap-next = Siųsti kitus vietoj jų
school-drop-next = Išbraukti juos
school-swap-heading = Kas vyks vietoj jų
school-swap-intro = Rodomi mokiniai, kuriems paslauga tinka ir kurie tuo metu laisvi. Teikėjo sutikimo nereikia.
school-swap-for = Vietoj: { $who }
school-swap-nobody = nekeisti
school-swap-button = Pakeisti
school-drop-heading = Bus išbraukti
school-drop-free = Išbraukti galima nemokamai, pinigai grįžta.
school-drop-late = Nemokamai išbraukti jau per vėlu: teikėjui liktų { $each } už mokinį, iš viso { $total }; kiti pinigai grįžta.
school-drop-button = Išbraukti
school-attendance-title = Patvirtinti lankomumą
school-amend-title = Siūlyti pataisyti lankomumą
school-attendance-intro = Pažymėkite, kas dalyvavo. Patvirtinti reikia iki { $until }; vėliau galios teikėjo sąrašas.
school-amend-intro = Pataisymas įsigalios, kai teikėjas jį priims.
school-attendance-legend = Dalyvavo
school-attendance-hint = Pažymėti tie, kurie dalyvavo teikėjo duomenimis. Nuimkite varnelę nuo tų, kurių nebuvo.
school-reported = užrašyta: { $state }
school-added-legend = Atvyko papildomai
school-added-hint = Jei dalyvavo mokinių, kurių sąraše nebuvo, pasirinkite jų klasę ir pažymėkite.
school-attendance-sum = Kiek kainuos
school-attendance-cost = Iš viso { $sum }.
school-attendance-absent = Nedalyvavo { $absent }. Už nedalyvavusį mokama bent { $share }.
school-attendance-button = Patvirtinti lankomumą
school-amend-button = Siūlyti teikėjui
school-print-title = Mokinių sąrašas ir lankomumo lapas
school-to-tick = pažymėti
school-to-sign = pasirašyti
school-print-teacher = Lydintis mokytojas (vardas, pavardė, parašas):
school-print-provider = Paslaugos teikėjas (vardas, pavardė, parašas):
school-refuse-title = Sąskaitos grąžinimas teikėjui
school-refuse-link = Grąžinti sąskaitą
school-refuse-what = Kai sąskaitą grąžinsite, teikėjas pridės kitą. Suvestinė lieka galioti: jei netinka pati suma ar lankomumas, kreipkitės į teikėją dėl kreditinės sąskaitos.
school-refuse-keyless = Nė vienas galiojantis jūsų raktas negali grąžinti sąskaitų: anksčiau sukurtiems raktams ši teisė nesuteikta. Sukurkite naują raktą, palaukite, kol programos darbuotojas jį patvirtins, ir grįžkite čia. Senąjį raktą tada galite atšaukti.
school-refuse-why = Kas sąskaitoje netinka
school-refuse-why-hint = Perskaitys teikėjas. Mokinių vardų nerašykite.
school-refuse-why-missing = Parašykite, kas sąskaitoje netinka: kitaip teikėjas nežinos, ką taisyti.
school-refuse-why-long = Parašykite trumpiau: ne daugiau kaip { $most } ženklų.
school-refuse-said = Teikėjas perskaitys: { $reason }
school-refuse-button = Toliau: pasirašyti
school-refuse-late = Šios sąskaitos grąžinti jau negalima.
