//! What [`super::sentences`] knows of languages: abbreviations, and words that are small unless they begin a sentence.
//! Put together for Hansard; they are not the parameters that NLTK offers, which were learned from newspapers.
//!
//! After an abbreviation a sentence begins only with one of those words, so none of them is a name: `at 5 p.m. We
//! left`, but `Dr. Who left`. An abbreviation that is also a word counts as one only where that is not ambiguous.

/// What is known of a language. Each list is words in small letters with blanks between them.
pub(super) struct Language {
    code: &'static str,
    /// Without the full stop that ends them.
    pub(super) abbreviations: &'static str,
    /// Words that have a capital only at the beginning of a sentence.
    pub(super) small_words: &'static str,
    /// Abbreviations that are words elsewhere, and count only before a number.
    pub(super) before_numbers: &'static str,
    /// Words with a capital after an ordinal number. (If they are small, a number before them ends no sentence anyway.)
    pub(super) after_ordinals: &'static str,
}

/// The language with this code, or English.
pub(super) fn of(code: &str) -> &'static Language {
    let code = if code == "nn" { "no" } else { code };
    LANGUAGES.iter().find(|language| language.code == code).unwrap_or(&LANGUAGES[0])
}

static LANGUAGES: [Language; 20] = [
    Language {
        code: "en",
        abbreviations: "a.d a.k.a a.m adj adm approx apr assn assoc asst aug b.a b.c b.sc blvd brig c.e.o capt cf \
            cmdr co col corp cpl cpt d.c dec dept div dr e.g esp est etc feb g.m.t gen gov hr hwy i.d i.e inc incl \
            jr lt ltd m.a m.b.a m.d m.sc maj messrs mfg mr mrs ms nat'l nov oct p.a p.m p.o p.s ph ph.d prof pty pvt \
            q.e.d qty resp rev sen sep sept sr st supt tel thu u.k u.n u.s u.s.a univ viz vs",
        small_words: "about after all although an and another any are as at because before but by can could did do \
            does each even every everybody everyone first for from had has have he her here his how however i if in \
            instead is it its just later let maybe meanwhile my next nobody not nothing now of on once one or our \
            perhaps please she should since so some somebody someone something sometimes soon than that the their \
            then there therefore these they this those though to today together tomorrow was we well were what when \
            where which while why with would yes yesterday yet you your",
        before_numbers: "art ch fig no nos op p par pp sec vol",
        after_ordinals: "",
    },
    Language {
        code: "de",
        abbreviations: "abb abs abt adr allg anm aufl aug bd bez bzgl bzw ca chr d.h dez dipl dipl.-ing dr ebd ehem \
            einschl etc ev evtl exkl feb ff fr frl geb gebr gem gest ggf ggfs gmbh hbf hl hr hrn hrsg i.a i.d.r i.v \
            ing inkl insb insbes jh jhd kap kath lt m.e mind mio mr mrd mwst nachm nr o.g o.ä okt p.a pkt prof rd \
            s.o s.u sep sept sog st stellv stk str tel tsd u.a u.u u.v.m usf usw uvm v.a verf vgl vorm vs z.b z.hd \
            z.t z.zt zb zit zt zzgl",
        small_words: "aber alle allerdings als also am an andere auch auf aus außerdem bei beim bis bitte da dabei \
            dadurch dafür dagegen daher damit danach dann daran darauf darum darüber das dass davon davor dazu denn \
            der des deshalb die dies diese dieser dieses doch dort du durch ein eine einen einer eines er es etwas \
            für gibt hat hier ich im in ist ja jede jeder jedes jedoch jetzt kein keine können man manche mein mit \
            muss nach nein nicht nichts noch nun nur ob oder ohne schon sehr seit sind so soll sondern um und uns \
            unser unter viele vielleicht vom von vor wann war warum was weil weiter welche wenn wer werden wie \
            wieder wir wird wo zu zudem zuerst zum zur zwar über",
        before_numbers: "art abs kap nr",
        after_ordinals: "januar jänner februar feber märz april mai juni juli august september oktober november \
            dezember jahrhundert jahrhunderts jahrhunderte stock etage klasse kapitel mal platz quartal semester \
            woche tag geburtstag auflage weltkrieg weltkriegs liga sitzung kw",
    },
    Language {
        code: "fr",
        abbreviations: "adj al ann apr apt arr av bd bibl boul c.-à-d cf ch cie dr env etc fig ft fév hab ibid inc \
            inf j.-c janv juil lt mgr mlle mlles mm mme mmes mr nov n° obs oct p.-d.g p.ex p.s pp prof qq qqn resp \
            réf s.a st ste suiv sup suppl trad tél univ vs éd",
        small_words: "afin ainsi alors après au aucun aujourd'hui aussi autre aux avant avec beaucoup bien c'est car \
            ce cela celui ces cet cette ceux chacun chaque comme comment d'abord d'accord dans de demain depuis des \
            donc du elle elles en encore enfin ensuite est et hier il ils j'ai je jusqu la le les leur lors lorsque \
            lui là maintenant mais malgré merci mes moi mon ne non nos notre nous on or ou où par parce pas pendant \
            pour pourquoi puis quand que quel quelle quelque qui quoi sa sans se selon ses si sinon son sous sur \
            tous tout toute toutefois toutes très tu un une voici voilà vos votre vous",
        before_numbers: "art chap fig no p vol",
        after_ordinals: "",
    },
    Language {
        code: "es",
        abbreviations: "a.c a.m admón afmo apdo atte av avda c.p cf co cía da dept depto dic dpto dr dra dres dña ed \
            ee.uu ej ene etc excmo fdo feb fig gral hno hnos ing jr lda ldo lic máx mín n.º nov núm núms oct p.d \
            p.ej p.m pp prof profa pts pza pág págs s.a s.l sep sr sra sras sres srta sta sto tel tfno ud uds vd vds \
            vol vs",
        small_words: "además ahora al algo alguien algunos antes aquel aquí así aunque bien bueno cada casi como con \
            creo cual cualquier cuando cuál cuándo cómo de del desde después donde dos durante dónde el ella ellas \
            ellos en entonces entre era es esa ese eso esta estaba estamos este esto está están fue gracias ha hace \
            hacia hasta hay he hoy incluso la las le les lo los luego mañana me mi mientras muchas mucho muy más \
            nada nadie ni no nos nosotros nuestro otra otro para parece pero poco por porque primero pues que quién \
            qué se según si siempre sin sobre solo son su sus sí sólo también tampoco te tenemos tiene todo todos tu \
            un una usted vamos ya yo él",
        before_numbers: "art cap fig núm pág",
        after_ordinals: "",
    },
    Language {
        code: "it",
        abbreviations: "a.c apr arch artt avv ca capp cav cfr cit col d.c dic dott dott.ssa dr dr.ssa ecc es etc \
            f.lli feb fig fr geom giu gm ing jr lug mons nn nov obb ott p.es p.za pag pagg pp prof prof.ssa prot rag \
            ripr s.p.a s.r.l seg segg sig sig.na sig.ra sigg spett tab tel vol vs",
        small_words: "adesso ai al alcuni alla allora altro anche ancora anzi appena bene c'è certo che chi ci ciò \
            come comunque con cosa così credo da dal dalla davvero dei del della delle di dobbiamo domani dopo dove \
            due dunque ecco ed era fra già gli grazie ha hanno ho ieri il in infatti infine inoltre insieme invece \
            io l'altro la le lei lo loro lui ma mentre mi mio molti molto nel nella nessuno niente noi non nostro \
            oggi ogni ora per perché però più poi possiamo prima può qualcuno quale quando quanto quel quella quello \
            questa queste questi questo qui quindi se secondo sei sempre senza si sia solo sono sopra sotto spesso \
            su sua subito suo sì tra troppo tu tutti tutto un una uno va vediamo voi vorrei",
        before_numbers: "art cap fig n",
        after_ordinals: "",
    },
    Language {
        code: "pt",
        abbreviations: "a.c abr apto arts av cf cia co d.c dep dept dez dr dra dras drs ed eng etc exa exma exmo fev \
            fig fl gen jr lda ltda min máx nov nº núm obs p.ex p.s pp prof profa pág págs s.a seg sr sra sras srs \
            srta sta sto séc tel trav v.exa vol vs",
        small_words: "acho agora ainda algo algum alguém além amanhã antes ao aos apenas apesar após aqui aquilo as \
            assim até bem bom cada claro com como contudo da das de depois desde deste do dois dos ela elas ele eles \
            em entre então era essa esse esta estamos este está estão eu foi hoje há isso isto já logo lá mais mas \
            me mesmo meu minha muito muitos na nada nas nem ninguém no nos nossa nosso num numa nunca não nós \
            obrigado onde ontem os ou outra outro para pela pelo pode podemos por porque porquê portanto pouco \
            primeiro qual qualquer quando quanto quase que quem se segundo sem sempre ser seu sim sobre sua só \
            talvez também tem temos tenho teve todo todos três tudo um uma vai vamos você vocês às",
        before_numbers: "art cap fig n",
        after_ordinals: "",
    },
    Language {
        code: "nl",
        abbreviations: "a.u.b aanv adm afb afd afz alg apr aug bijv blz bv bvb c.q ca cf co d.d d.m.v d.w.z dhr div \
            dr drs ds e.a e.d e.e.a e.v enz etc evt excl feb fig geb gld i.g.v i.p.v i.v.m incl ing inz ir jhr jl jr \
            kath lt m.a.w m.b.t m.i.v mej mevr mld mln mr mrs mw n.a.v n.v nl nov nr nrs o.a o.b.v o.i.d o.l.v okt \
            p.a p.j p.p p.s pag pct plm pres prof resp s.v.p sept sr st t.a.v t.b.v t.g.v t.m t.o.v tw vgl vnl vs \
            z.g.a.n zgn",
        small_words: "aan al alle alleen als anders bij bijna daar daarbij daarna daarom dan dat de denk deze dit \
            doen door dus echt een eens eerst elk elke en er even gaan geen goed had heb hebben heeft heel het hier \
            hij hoe hoewel hun iedereen iemand iets ik in is ja je jij jullie kan kunnen laten later maar me men met \
            mij mijn misschien moet moeten morgen na naar natuurlijk nee niemand niet niets nog nooit nou nu of om \
            omdat ondanks onder ons onze ook op over pas precies sinds soms straks te tegen ten toch toen tot twee \
            uit uw van vandaag veel volgens voor vooral waar waarom wanneer want waren was wat we wel welke werd wie \
            wij wil willen wordt ze zeker zelfs zes zij zijn zo zoals zonder zou",
        before_numbers: "art nr",
        after_ordinals: "",
    },
    Language {
        code: "pl",
        abbreviations: "al art bp br cd cz dr dyr dz ew gen godz hab inż itd itp jw kard kl ks lek lic ls m.in maks \
            mgr min mjr mld mln n.e np nr o.o ob os p.n.e pkt pl pn por pp prof przyp pt płk reż ro rozdz rtm s.a sp \
            str szt t.j tel tj tys tzn tzw ub ul wg woj ws wsch wyd zach zał zw śp św",
        small_words: "albo ale ani aż bardzo bez bo by być był była było chcę chociaż ci co coś czasem czy czyli dla \
            dlaczego dlatego do dobrze dwa dzisiaj dzięki dziś gdy gdyby gdzie go ich ile inne ja jak jaki jako \
            jakoś jednak jego jej jest jestem jeszcze jeśli jeżeli jutro już każdy kiedy kto ktoś który mam mamy mi \
            może można musimy my myślę mój na nad najpierw nam nas nasz natomiast nic nie niech nikt no od ona one \
            oni oprócz oraz pewnie po pod podczas ponieważ potem poza proszę przed przede przez przy się skoro sobie \
            są ta tak także tam te tego ten teraz też to tu tutaj ty tylko wczoraj wiem więc wszyscy wszystko wtedy \
            wy właśnie za zaraz zatem zawsze ze żeby",
        before_numbers: "art nr",
        after_ordinals: "",
    },
    Language {
        code: "ru",
        abbreviations: "акад англ бул вв вкл внутр вып гг гл гос гр див доб долл доп др ед ин инд исп итал кв кг коп \
            копр корп куб макс мин млн млрд напр нач нек обл оз пл пом пос пп пр пр-т пред прибл прим просп проф пс \
            рис руб св сек см соч ср ст стр т.д т.е т.к т.н т.п табл тел тех тов тт туп тыс ул уст франц чел шт экз \
            эт",
        small_words: "без благодаря более больше будем будет бы был была были было быть вам вас ведь весь во вообще \
            вот все всё вчера вы где да давайте даже два для до если есть еще ещё же за завтра затем зачем здесь из \
            или их как какой когда кому конечно которые кроме кто лишь мне много может можно мой мы на над надо наш \
            не него нет никто ничего но ну нужно об однако он она они оно от очень перед по под пока после потом \
            потому почему поэтому при про просто пусть сегодня сейчас сначала со спасибо так также такой там тем \
            теперь то тогда того тоже только ты уже хорошо хотя чего чем через что чтобы эта эти это этот",
        before_numbers: "",
        after_ordinals: "",
    },
    Language {
        code: "sv",
        abbreviations: "adj anm avd b.l.a bl.a ca d.v.s dec dir doc dr dvs e.d e.kr e.o eg enl etc ev exkl f.d f.kr \
            f.n f.v.b f.ö feb fig fm forts fr.o.m h.k.h hr i.o.m i.st inkl jfr jr kap kl kr m.a.o m.a.p m.fl m.h.a \
            m.m milj n.b nov nr o.dyl o.s.v obs okt osv p.g.a p.m p.s prof red ref resp s.a.s s.k sek sept sid sr st \
            str t.ex t.o.m t.v tel u.a u.p.a ung uppl v.g vol",
        small_words: "alla allt alltså andra att av bara bra både de den denna deras det detta dig din du där därför \
            då efter eftersom ej eller en enligt er ett finns för före först ganska genom ha hade han har hej henne \
            hennes hon hur här ibland idag igår imorgon ingen inget innan inte ja jag just kan kanske kom kommer man \
            med medan men mer mig min mot mycket måste nej ni nog nu när nästa någon något några och också om oss på \
            redan samma sedan sen sin ska skulle som så tack till tills trots två under upp ur utan vad var varför \
            varje vem vet vi vid vilka vilken vill visst vår är även",
        before_numbers: "art kap nr",
        after_ordinals: "",
    },
    Language {
        code: "da",
        abbreviations: "adj adm adr afd afs alm ang ank apr aug bd bl bl.a ca cand co d.d d.v.s d.å dec dir dr dvs \
            e.kr e.l eks ekskl etc evt f.eks f.kr f.m feb fhv fl fm forb forts fr frk gl henv hr ifm ift incl ing \
            inkl jf jr kap kgl kl kr lb lign m.a.o m.fl m.h.t m.m m.v maks md mht mio mrd mvh n.b nov nr o.l o.s.v \
            obs okt on osv p.g.a p.t pga pkt pr prof ref resp s.u sek sep sept skt spm st stk str t.o.m tekn tel th \
            tirs tlf tors u.a udg ugtl vedr vha vs årg årh",
        small_words: "af alle allerede alt altså anden at bare begge da de den denne der derefter deres derfor det \
            dette dig din disse dog du efter ellers en er et flere for fordi fra først gennem godt ham han har havde \
            hej hende her hun hvad hvem hver hvilken hvis hvor hvordan hvorfor hvornår igen ikke imens imorgen ind \
            ingen ja jeg jo kan kom kommer kun lige man mange med meget mellem men mens mere mig min mod må måske \
            ned nej noget nogle nok nu når næste og også om op os over på samme selv selvom senere siden skal skulle \
            som så tak til to trods under ved vi vil ville vores være været",
        before_numbers: "art kap nr",
        after_ordinals: "",
    },
    Language {
        code: "no",
        abbreviations: "adm adr ang apr aug bl bl.a ca cand d.d d.v.s d.y d.å dagl doc dr ds dvs e.kr e.l eks ekskl \
            el etc ev evt f.eks f.kr f.o.m feb fhv fl fork forts fr fre gnr hhv hr if iht ing inkl innb jf jfr jr \
            kap kgl kl kr kv m.a.o m.fl m.h.t m.m m.v maks mht mill mrd mva mvh n.b nov nr o.a o.l obs okt osv p.g.a \
            p.t pga pkt pr prof red ref resp sek sep sept sml snr spm st str søn t.o.m tel tils tirs tlf tors u.a \
            utg utt vedl vgl vs årg årh",
        small_words: "alle allerede alt altså andre at av bare begge bra da de den denne der dere deres derfor det \
            dette disse du eller en er et etter etterpå flere for fordi forresten fra først gjennom ha hadde han har \
            hei henne her hun hva hvem hver hvilken hvis hvor hvordan hvorfor igjen ikke imens ingen ja jeg jo kan \
            kanskje kommer kun litt man mange med meg meget mellom men mens mer min mot mye må nei neste noe noen \
            nok nå når og også om opp oss over på samme seg selv selvom senere siden skal skulle slik som så takk \
            til to tross under ut uten ved vet vi vil ville vår være vært",
        before_numbers: "art kap nr",
        after_ordinals: "",
    },
    Language {
        code: "fi",
        abbreviations: "alk apul ark ay dipl dos eaa ed ekr engl ent esim et etc evl fil fl hra hum huom ins jaa \
            jatk jkr jne joht jr jv kand kel kpl ks kv kys leht lis lk lkm ls lv lyh m.m maist maks milj mkr mm mrd \
            mv nim nk nro ns oik op os pj pnä po prof prov puh pvm rak red rva s.o sis skr st synt tek tel til tjsp \
            tms toht ts tuh ups vas vast vk vm vrt vs vt ym yms yo yt yv",
        small_words: "aina ainakin alussa ehkä ei eikä eivät eli en ensin entä eri että he hyvin hyvä hän ilman ja \
            jo joka jokainen jos joskus jotain joten jotka kai kaikki kanssa kiitos koko kolme koska kuin kuinka \
            kuitenkin kuka kun kyllä lisäksi luulen me meidän meillä meitä mennään miksi mikä milloin millä minun \
            minä missä mitä molemmat monet mukaan mutta muut myöhemmin myös ne niin niitä no nyt näin nämä oikein \
            olemme olen oli on onko ovat pitää pois saa sama se sekä sen seuraava siellä siinä siis siitä silloin \
            sinä sitten sitä taas tai te tehdään tietysti tuo tämä tänään tässä tätä vaan vai vaikka vain varmasti \
            vasta vielä voi voidaan voimme yksi yli",
        before_numbers: "no nro",
        after_ordinals: "",
    },
    Language {
        code: "cs",
        abbreviations: "a.s ap apod arch atd atp bc bod býv cca doc dr fy gen hl hod i.e inc ing ing.arch kap kpt ks \
            lit mgr mil mjr mld mn mudr n.l n.m např nar naz násl obr odd odst okr op os phd phdr pl pol popř por \
            pozn pplk pr prof pí př přibl red resp rndr roč s.r.o sek sl srov str sv tab tel tis tj tzn tzv ul viz \
            vl vol vs vyd vč zejm zn čl čp čís šk žid",
        small_words: "aby abychom ale ani ano asi až bez bohužel bude budeme by byl byla bylo co což další dnes do \
            dobře dva díky jak jako jaký jde je jeden jedna jeho jejich jen jestli jestliže ještě jinak jsem jsme \
            jsou já kam každý kde kdo když které který ma mi moc mohl mohu moje možná musíme my myslím mám máme můj \
            můžeme na nad nebo nebyl nejprve není než nic nikdo no nám nás náš od on ona oni pak po pod podle pokud \
            potom pro prosím proto protože proč před přes při se si skoro snad stále sám ta tady tak takový také \
            takže tam tedy ten tento teď to tohle tu tuto ty už ve vlastně vy vše všechno všichni za zítra že",
        before_numbers: "č",
        after_ordinals: "",
    },
    Language {
        code: "tr",
        abbreviations: "a.ş ar.gör asb astsb av bk bkz bl bnb bçvş bşk cad co doç dr dz ec ecz enst fr gör hv hz hş \
            i.s i.ö ing iş jr koor krş lt ltd m.s m.ö mah maks md mim mim.müh min müd müh nö ord prof sn st tel tic \
            tğm vb vd vs y.müh yard yay yrd yy yzb zf çev çvş öğr şb şti",
        small_words: "acaba ama ancak artık aslında ayrıca az bana bazı belki ben beni benim bile bir biraz biri \
            birkaç biz bize bizim bu bugün buna bunlar bunu bunun burada böyle bütün da daha de değil diye diğer dün \
            en evet eğer fakat gibi göre hala hangi hatta hayır hem hemen hep her herkes hiç ile ilk ise için işte \
            kadar ki kim kimse lütfen mesela mi nasıl ne neden nerede niye olarak oldu olur on ona onlar onu onun \
            orada oysa pek peki sadece sana sanki sen siz sizin son sonra tabii tamam teşekkürler tüm var ve veya ya \
            yalnız yani yarın yine yok zaten çok çünkü önce üstelik şey şimdi şu şöyle",
        before_numbers: "no",
        after_ordinals: "",
    },
    Language {
        code: "ca",
        abbreviations: "a.c ap apt av avda cf cia co ctra d.c dept dr dra drs ed ee.uu esp etc fig gral hble ibid \
            il·lm jr mn mons màx mín nov núm obs oct p.ex pl prof ptes pza pàg pàgs ref s.a s.l sc sr sra sres srs \
            srta st sta tel trad v.gr vg vol vs",
        small_words: "abans així això al alguns algú als altres amb aquell aquest aquesta aquestes aquests aquí ara \
            avui bo bé cada cal com cosa crec d'acord de del dels demà des després doncs dos durant el ell ella \
            elles ells els em en encara ens entre era estem està fa fins gràcies ha han havia he hem hi ho ja jo la \
            les li llavors lo mai malgrat mentre meu meva molt molts més na ni ningú no nosaltres nostre on per \
            perque perquè però poc podem poden pot potser primer pues quan quant que qui què res s'ha se segons \
            sempre sense ser si sobre sol sols sí són també tampoc te tenim tot tota tothom tots tu té un una unes \
            uns va vam van vosaltres vull és",
        before_numbers: "art cap núm",
        after_ordinals: "",
    },
    Language {
        code: "ro",
        abbreviations: "a.c alin apr aprox asoc aug av bd bl ca cca cf com cpt d-l d-na d.hr dec dep dl dna dr dvs \
            ed etc febr fig gr i.hr ian ing iul iun jr jud kg lt min mld mlrd mr n.r nov nr oct ord p.s pag pct pg \
            plt pp prep prof pt red ref resp s.a s.r.l sc sec sept sf sfânt str tel trad univ urm vol vs î.hr ș.a \
            ș.a.m.d șos",
        small_words: "abia acea aceasta această aceea acel acest acesta aceste acești acolo acum adică ai aici al \
            alt altă am apoi ar are asta astfel astăzi asupra atunci atât au avem așa bine care ce cea cei cel cele \
            chiar ci cine cu cum când cât că da dacă dar de deci deja deoarece despre destul deși din dintre două \
            după ea ei el ele era este eu există fi fiecare foarte fost fără iar ieri la le lor lui mai mea meu mult \
            mulți mulțumesc mâine mă ne nici nimeni nimic noastră noi nostru nu oare ori orice pe pentru peste poate \
            pot prea primul prin pur sa sau se sigur singur spre sub sunt suntem să toate tot totuși toți trebuie tu \
            un una unde unii unu va voi vom vor vreau vă îi îl îmi în înainte încă însă între îți și",
        before_numbers: "art cap nr",
        after_ordinals: "",
    },
    Language {
        code: "hu",
        abbreviations: "alez ap apr arch aug b.a bp bt cca co csüt dec dk dny dr du ea ed em etc ev feb febr felv \
            fszt ft főv gr htb i.e i.m ifj ig ill ing isk izr jegyz júl jún kb kft kir kk kp krt közg ld m.a mb megj \
            mill mrd márc n.b n.n nov nr nyrt nyt okl okt op ort p.ü pf pk pl pol prof ptk r.k r.t rd ref rk rkp rt \
            röm s.k stb sz szept szerk szt tb tc tkp tsz tv u.a ua uh vb vers vki vm vsz vö z.n zrt ált ált.isk é.n \
            érk évf ún",
        small_words: "abban addig ahhoz ahogy ahol aki akik akkor amely ami amikor amit annak arra az azok azonban \
            azt aztán azután azért be belül benne biztosan bár csak de egy egyik egyébként el ellen első elég előbb \
            előtt engem ennek erre ez ezek ezt ezért fel felett ha hanem hogy hogyan hol holnap hát igen ilyen \
            inkább is itt jó jól kell kellene keresztül ki köszönöm közben között le legyen lehet lenne lesz ma meg \
            mellett mert mi mikor milyen minden mindenki mindig mint mintha mit miért mondjuk most már másik még míg \
            na nagyon ne neki nekünk nem nincs néha nélkül olyan ott pedig persze saját sem semmi sok szóval talán \
            te tegnap tehát ti tovább több túl ugye után utána vagy vagyis valaki való van vannak vele vissza \
            viszont volna volt végül én és így össze úgy új ők",
        before_numbers: "sz",
        after_ordinals: "",
    },
    Language {
        code: "uk",
        abbreviations: "акад англ бл буд бульв вв вул гл гр грн див дис доб доц др ел зав зах зб зовн кв кг кн коп \
            куб макс млн млрд мін напр нар наст нім об обл оз оп пл пос пп пр пров просп проф розд рос рр руб св сек \
            сер см ср ст стор т.д т.зв т.п т.ч табл тел тис тов тт ун-т франц філ хв чол шт іл ім ін італ",
        small_words: "або адже але без був буде була були було бути більше вам вас ваш вже ви вона вони воно все всі \
            вчора від він де для до добре дуже дякую за завжди завтра зараз звичайно зі його ким кого кожен коли \
            крім ласка лише майже має мене ми може можна мої мій на над нам нас наш не нема немає ну ні ніхто нічого \
            один однак ось от перед по поки потрібно потім при про просто під після саме своє себе скільки спочатку \
            справді сьогодні та так такий також там те тепер ти тим то того тоді той тому тут тільки хоча хто це цей \
            ця через чи чому що щоб щось як якби який якщо із інший їх",
        before_numbers: "",
        after_ordinals: "",
    },
    Language {
        code: "el",
        abbreviations: "α.ε αγ αρ αριθ βλ γρ δηλ δρ δρχ ε.ε εκ επ εταιρ ευρ ημ θεσσ κ.ά κ.α κ.κ κ.λπ κ.ο.κ κα καθ \
            κεφ κλπ κος λ.χ λεωφ μ.μ μ.χ μτφρ ν.δ ο.ε οδ π.δ π.μ π.χ παρ πλ πρβλ πρόεδρ σελ στ συγγρ τ.μ τηλ τόμ χιλ \
            χλμ χρ",
        small_words: "ένα ένας έτσι έχει έχουμε έχω ήδη ήταν ίσως αλλά αν αντί απλώς από αργότερα αυτά αυτές αυτή \
            αυτοί αυτό αυτός αύριο βέβαια γι για γιατί δεν δηλαδή διότι δύο εάν είμαι είναι είχε εγώ εδώ εκεί εκείνη \
            εκείνο εμείς εντάξει ενώ επίσης επειδή ευχαριστώ θα κάθε κάποιο κάποιος κάτι και καλά κανείς κατά λοιπόν \
            μέσα μέχρι μα μαζί με μετά μη μην μια μου μπορεί μόλις μόνο να ναι ξέρω οι ούτε πάλι πάντα πάρα πάω παρά \
            περίπου πιο ποια ποιος πολύ ποτέ που πού πρέπει πριν προς πρώτα πώς σήμερα σαν σας σε στη στην στις στο \
            στον στους σύμφωνα τίποτα τα τη την της τι τις το τον του τους των τόσο τότε τώρα υπάρχει χθες χωρίς όλα \
            όλοι όμως όπως όταν ότι όχι ύστερα ώστε",
        before_numbers: "αρ",
        after_ordinals: "",
    },
];
