"""The words by which a language is told: those that hold sentences together, and those that support messages are full of.

Words of the product's world that are the same everywhere (login, e-mail, app, server, export) stand nowhere. A word that
several languages have counts less for each; one that is also English counts for English alone, or for nobody when it
stands in `ANYBODYS`.
"""

from agent_runner.own_words import folded

_ENGLISH = """
the be is are was were been being am isn't aren't wasn't weren't i'm i've i'd i'll you're you've you'd you'll he's she's
it's we're we've we'd we'll they're they've they'd they'll that's there's what's where's who's let's can't cannot couldn't
don't doesn't didn't won't wouldn't shouldn't hasn't haven't hadn't dont doesnt didnt cant wont isnt wasnt im ive its of
and to in for on with as at by from into onto about after before between through during without within against under over
above below up down out off again further then once here there when where why how what which who whom whose this that these
those i you he she we they me him us them my your yours his her hers our ours their theirs it myself yourself itself ourselves
themselves do does did doing done have has had having can could will would shall should may might must ought need needs
needed want wants wanted get gets got getting go goes going gone went make makes made making take takes took taken taking
use uses used using see sees saw seen say says said tell tells told ask asks asked know knows knew known think thinks thought
look looks looking looked find finds found give gives gave given work works working worked try tries tried trying call calls
called seem seems seemed help helps helped keep keeps kept let start starts started stop stops stopped show shows shown
showing happen happens happened change changes changed open opens opened close closed click clicked press pressed add added
remove removed delete deleted send sends sent receive received sign signed log logged set sets setting settings turn turned
reset restore restored move moved save saved load loading loaded run runs running ran write written read reading buy bought
pay paid cancel cancelled upgrade update updated download downloaded install installed create created join joined invite
invited share shared search but or nor so yet because if though although unless until while since whether than too very
just only also even still already always never often sometimes usually ever now today tomorrow yesterday soon later early
ago again maybe perhaps please pls plz thanks thank thx sorry hello hey hi dear yes yeah yep nope not all any anyone anything
anybody each every everyone everything everybody few many much more most some someone something somebody such other others
another both either neither same different own new old good better best bad worse worst great nice big small long short high
low right left wrong first last next second third one two three four five six seven eight nine ten time times day days week
weeks month months year years hour hours minute minutes morning evening night people person man woman user users customer
customers company way ways thing things place part case question questions answer answers issue issues problems reason word
words name names number numbers list lists page pages line lines screen window button file files folder folders picture image
phone computer laptop mail message messages inbox card cards task tasks calendar date dates column columns row rows field
fields key keys invoice invoices bill billing price prices money payment order orders account's address addresses list limit
size able unable available possible impossible sure unsure ready full empty whole half enough less least well really quite
rather almost perfect regards cheers kind best sincerely yours bye welcome morning afternoon good-bye working broken fails
failed failing missing lost wrong stuck slow instead back away around along together however therefore otherwise whatever
whenever wherever though like unlike per via version latest previous current default own shows won wasn ain't gonna wanna
gotta u ur r y'all couldn would've should've could've who'd how's when's wife husband friend boss team's colleague colleagues
anymore nothing nobody none nowhere upon toward towards across beyond except despite during behind beside besides near far
inside outside above wondering wonder hope hoping hopefully appreciate follow following followed believe feel feels looked
hear heard seems cause caused causes means meant mean fix fixed fixing solve solved check checked checking email's enter
entered entering type typed typing choose chosen select selected switch switched connect connected sync synced print printed
access password's forgot forget forgotten remember allow allowed support's contact contacted speak spoke talk reply replied
"""


# Neither for English nor against it: they are everyday words of other languages as well, or go around the world.
_ANYBODYS = """
cat file files download upload browser desktop click guest
a an no me in so is or on at as man hat war will also die den dem des per son sin come fire fine time come more pour main
plan plans team service email mail e-mail login app account password ok okay chat link test project projects board boards
ticket support code internet computer online version browser error info information problem status error premium formula
format pdf csv video normal general legal total central final local original digital social real manual name list all hi hey
hallo mein us men her over under fast wo art gift brief rat not bald am do to man tag lag slot dig fart barn for hello sorry
den de la le el les los il un una en et y e o i du da di do das der van von dos del al au aux se si ne te tu lo las ma mi
as os um va sa son on ou pas par plus via ja nu er han hun vi han ner hur var ut in upp om av mit bin bei dan kan kon men met
uit op te ze we je af al als dat dit nog geen wel naar pas ze top pan con pro ad hoc vs etc max min se te by od do po za na
to jest we ile tak jak co ten ta te ci mu go ze bo bu ne ve de da mi mu o en ya ki su
"""
ANYBODYS = frozenset(_ANYBODYS.split())
ENGLISH = frozenset(_ENGLISH.split()) - ANYBODYS

_TABLES = {
    "es": """
hola buenos buenas días tardes noches el los las una unos unas y pero porque por qué cómo cuándo dónde cuál cuáles quién cuánto
cuántos cuánta que para con sin sobre desde hasta hacia entre mi mis tu su sus nuestro nuestra nuestros nuestras me nos le les
lo esto este esta estos estas eso ese esa aquí allí ahí ya no sí también muy más menos mucho muchas muchos todo todos toda todas
nada algo alguien nadie ninguno ningún otra otro vez veces siempre nunca ahora hoy ayer mañana soy es son está están estoy
estaba era fue fueron ser estar he ha han hemos había tengo tiene tienen tenemos puedo puede pueden podemos podría quiero
quiere queremos quisiera necesito necesita necesitamos hago hace hacer hecho dice decir digo sé sabe saber veo ver hay
funciona funcionan funcionar sale aparece aparecen gracias saludos favor ayuda ayúdenme ayudarme cuenta contraseña correo
factura facturas pago pagos pagar tarjeta tarjetas archivo archivos descargar subir borrar eliminar cambiar crear añadir
iniciar sesión entrar ingresar acceder recibo recibí llega llegan error tarea tareas proyecto proyectos tablero tableros
invitar invitado invitación equipo usuario usuarios móvil teléfono celular página pantalla botón enlace mensaje mensajes
pregunta problema problemas solución dinero dirección datos empresa persona trabajo siguiente mientras entonces además aunque
si cuando donde como del al un desaparecido olvidé olvidado perdí perdido intento intenté ayudar olvido olvida vale compañero compañera tiempo tarda tardan dura último última últimos últimas vamos contra campo campos columna columnas invitados mes año semana hablar cambio nueva nuevo listo perfecto genial
""",
    "de": """
hallo guten tag morgen abend moin servus grüß gott sehr geehrte geehrter damen herren liebe lieber ich du er sie es wir ihr
mich mir dich dir ihn ihm uns euch ihnen mein meine meinen meinem meiner meines dein deine sein seine ihre ihren ihrem ihrer
unser unsere unseren unserem unserer der die das den dem des ein eine einen einem einer eines kein keine keinen keiner und
oder aber denn weil dass daß wenn ob als wie wo wer wen wem was warum wieso weshalb wann welche welcher welches wieviel nicht
nichts nie niemand immer noch schon mehr sehr viel viele alle alles jede jeder jedes jeden man hier dort da jetzt heute gestern
morgen wieder auch nur doch mal bitte danke dank vielen ja nein ist sind war waren bin bist seid sein wird werden wurde wurden
worden geworden habe hab hat haben hatte hatten kann kannst können könnte könnten konnte muss müssen soll sollte sollen will
wollen wollte möchte möchten darf dürfen mag mit ohne für gegen von vom zu zum zur bei beim nach aus auf an am im in über unter
vor hinter zwischen durch um bis seit während wegen geht gehen funktioniert funktionieren klappt klappen mache machen macht
gemacht tun finde finden gefunden sehe sehen gesehen sagt sagen steht stehen bekomme bekommen kommt kommen gekommen lässt
lassen lade laden hochladen herunterladen löschen gelöscht ändern geändert anmelden anmeldung einloggen abmelden einladen
erstellen hinzufügen speichern öffnen schließen zurücksetzen vergessen verloren fehlt fehlen fehler fehlermeldung kennwort
passwort konto rechnung rechnungen zahlung bezahlen datei dateien seite aufgabe aufgaben projekt projekte kalender nachricht
nachrichten benachrichtigung benachrichtigungen einstellungen handy telefon rechner kollege kollegen kollegin mitarbeiter
firma kunde frage fragen hilfe hilft helfen antwort grüße grüßen freundlichen gruß viele leider schnell einfach richtig falsch
neu neue neuen alt alte letzte letzten erste gern gerne super prima erledigt gelöst wäre hätte gibt gäste gast dauert lange enthält kostet nutzer jahr monat woche tage stunden sich selbst spalte feld sprechen neues anderen
""",
    "fr": """
bonjour bonsoir salut madame monsieur je j'ai j'aimerais tu il elle nous vous ils elles me m'a te se mon ma mes ton ta tes son
sa ses notre nos votre vos leur leurs le la les un une des du de d'un d'une l'ai au aux et mais ou où donc car parce que qu'il
qu'est-ce est-ce quand comment pourquoi combien quel quelle quels quelles qui quoi dont ce cet cette ces c'est ça cela ceci
ne n'est n'ai n'a n'arrive pas plus jamais rien personne aucun aucune très trop aussi encore déjà toujours souvent maintenant
aujourd'hui hier demain ici là avec sans pour par dans sur sous chez entre vers depuis pendant avant après contre suis es est
sommes êtes sont était étaient été être ai as a avons avez ont avait avoir fait faire fais peux peut pouvez pouvons peuvent
puis-je pouvoir pourrais pourriez veux veut voulez voudrais dois doit devons falloir faut vais va allez allons vont aller sais
sait savoir vois voir dit dire mettre trouve trouver trouvé reçois reçu recevoir marche marchent fonctionne fonctionnent
affiche s'affiche ouvrir fermer changer modifier supprimer supprimé télécharger envoyer envoyé ajouter créer inviter connecter
me connecter connexion déconnecter mot passe compte facture factures paiement payer carte fichier fichiers page tâche tâches
projet projets tableau tableaux calendrier téléphone portable ordinateur écran bouton lien courriel adresse équipe utilisateur
utilisateurs problème problèmes erreur question aide aider aidez merci d'avance svp s'il plaît cordialement salutations bien
tout tous toute toutes autre autres même quelque quelqu'un chose fois jour jours semaine mois année nouveau nouvelle ancien
oublié perdu impossible besoin j'essaie essayé parfait d'accord oui non si comme alors puis ensuite temps dure contient souhaite souhaiterais parler colonne champ données semaine invité invités déplacer renommer bloqué nouveaux
""",
    "pt": """
olá oi bom boa dia tarde noite eu você vocês ele ela nós eles elas meu minha meus minhas seu sua seus suas nosso nossa nossos
nossas me te lhe o os um uma uns umas e mas ou porque por que porquê como quando onde qual quais quem quanto quantos não sim
também muito muita muitos muitas mais menos já ainda sempre nunca agora hoje ontem amanhã aqui ali lá com sem para pra pro em
no na nos nas do da dos das ao à aos pelo pela pelos até desde entre sobre isso isto esse essa este esta aquele aquela tudo
todos todas nada algo alguém ninguém nenhum outro outra vez vezes sou é são está estão estou estava era foi foram ser estar
tenho tem têm temos tinha ter posso pode podem podemos poderia quero quer queremos queria gostaria preciso precisa precisamos
faço faz fazer feito diz dizer sei saber vejo ver há consigo consegue conseguimos conseguir funciona funcionam aparece aparecem
obrigado obrigada valeu abraço cumprimentos atenciosamente ajuda ajudar conta senha palavra-passe fatura faturas pagamento
pagar cartão arquivo arquivos ficheiro ficheiros baixar enviar enviado apagar excluir mudar alterar criar adicionar entrar
acessar aceder recebo recebi chegou chega erro tarefa tarefas projeto projetos quadro quadros convidar convite equipe equipa
usuário utilizador celular telemóvel telefone página tela ecrã botão mensagem mensagens pergunta problema problemas dinheiro
endereço dados empresa pessoa trabalho seguinte enquanto então além embora se esqueci perdi perdido tentei tento resolvido certo
perfeito ótimo ativo ativar anexar tamanho modo escuro favor tempo demora coluna campo mês ano semana falar convidado convidados novo nova últimos última último assinatura cancelem desculpe
""",
    "it": """
ciao salve buongiorno buonasera gentile gentili io tu lui lei noi voi loro mio mia miei mie tuo tua suo sua suoi nostro nostra
nostri nostre vostro vostra il lo gli la le un uno una dei degli delle del dello della al allo alla ai agli alle dal dalla nel
nella nei nelle sul sulla sui e ed o ma perché perche come quando dove quale quali chi che cosa quanto quanti quante non sì anche
molto molti molta più meno già ancora sempre mai adesso ora oggi ieri domani qui lì con senza per tra fra su di da in questo
questa questi queste quello quella quelli tutto tutti tutta tutte niente nulla qualcosa qualcuno nessuno nessun altro altra
altri volta volte sono sei è siamo siete era erano stato stata essere ho hai ha abbiamo avete hanno aveva avere posso può
possono possiamo potrei potete potreste voglio vuole vorrei vogliamo devo deve dobbiamo dovrei faccio fa fare fatto dice dire
so sapere vedo vedere c'è ci si mi ti vi riesco riesce riusciamo funziona funzionano appare compare grazie saluti cordiali
prego favore aiuto aiutare aiutarmi conto profilo fattura fatture pagamento pagare carta scaricare caricare cancellare eliminare
cambiare modificare creare aggiungere accedere accesso entrare ricevo ricevuto arriva arrivano errore attività progetto progetti
bacheca bacheche invitare invito squadra utente utenti telefono cellulare pagina schermo pulsante messaggio messaggi domanda
problema problemi soldi indirizzo dati azienda persona lavoro mentre allora inoltre se dimenticato perso provato provo risolto
perfetto notifiche notifica controllare giorni settimana mese anno etichette colori meglio file carico carica chiude apre collega colleghi tempo dura parlare colonna colonne campo ospite ospiti nuovo nuova ultimo ultima ultimi posto cosa
""",
    "nl": """
hallo goedemorgen goedemiddag goedenavond goedendag beste geachte ik jij je u hij zij ze wij we jullie mij me jou hem haar ons hun
mijn jouw uw onze de het een en of maar want omdat dat dit die deze wie wat waar wanneer waarom hoe welke hoeveel niet niets nooit
niemand altijd nog al meer veel alle alles elke ieder hier daar nu vandaag gisteren morgen weer ook alleen graag bedankt dank
alstublieft aub ja nee is zijn was waren ben bent wordt worden werd geworden heb hebt heeft hebben had kan kunt kunnen kon moet
moeten mag wil wilt willen wilde zou zouden zal zullen gaat gaan doe doet doen gedaan maak maakt maken gemaakt vind vinden
gevonden zie zien zeggen zegt staat staan krijg krijgt krijgen gekregen komt komen laat laten met zonder voor tegen van naar bij
uit op aan in over onder tussen door om tot sinds tijdens werkt werken lukt lukken inloggen aanmelden uitnodigen uitnodiging
wachtwoord rekening factuur facturen betaling betalen bestand bestanden downloaden uploaden verwijderen verwijderd wijzigen
veranderen toevoegen opslaan openen sluiten vergeten kwijt ontvang ontvangen bericht berichten melding meldingen foutmelding fout
taak taken bord borden agenda telefoon scherm knop pagina gebruiker gebruikers vraag vragen hulp helpen antwoord groeten groet
vriendelijke snel eenvoudig nieuw nieuwe oude laatste eerste geen wel toch even zo als dan opgelost
""",
    "pl": """
cześć dzień dobry witam szanowni państwo pan pani ja ty on ona my wy oni mój moja moje moich mojego mojej nasz nasza nasze naszego
naszej i lub ale bo ponieważ że żeby jeśli jeżeli jak gdzie kiedy dlaczego czemu kto co który która które jaki jaka ile czy nie
tak też także bardzo więcej mniej już jeszcze zawsze nigdy teraz dziś dzisiaj wczoraj jutro tutaj tu tam z ze bez dla do od na w
we po przed przez między o u pod nad przy jest są był była było były być jestem mam masz ma mamy macie mają miałem mogę może
możemy możecie mogą chcę chce chcemy chciałbym chciałabym potrzebuję muszę musi robię robi robić zrobić zrobiłem mówi widzę
widzieć działa działają pojawia się mnie mi nas nam wam mu jej jego ich ten ta to te tego tej tych wszystko wszystkie wszyscy nic
coś ktoś nikt żaden inny inne raz proszę prosimy dziękuję dzięki pozdrawiam pozdrowienia pomoc pomocy pomóc pomóżcie konto konta
hasło hasła faktura faktury fakturę płatność zapłacić karta kartę plik pliki pliku pobrać usunąć zmienić utworzyć dodać zalogować
logowania wysłać dostałem dostaję otrzymałem błąd błędu zadanie zadania projekt projektu tablica zaprosić zaproszenie zespół
użytkownik telefon telefonu telefonie strona ekran przycisk wiadomość wiadomości pytanie problem pieniądze adres dane firma
zapomniałem zgubiłem próbuję
""",
    "tr": """
merhaba selam iyi günler akşamlar sayın ben sen biz siz onlar bana bize size benim bizim sizin bu şu bir ve veya ama fakat çünkü
için ile ki eğer nasıl nerede nereden neden niçin niye ne zaman hangi kim kaç mı mi mu mü değil yok var evet hayır da de çok daha
az en artık hala hâlâ her zaman hiç şimdi bugün dün yarın burada orada gibi kadar sonra önce göre istiyorum istiyoruz istedim
lazım gerekiyor olarak oldu oluyor olmuyor olur olan yapıyorum yapabilirim yapabilir yapmak yaptım yapamıyorum ediyorum edebilirim
etmek alıyorum alamıyorum almak görüyorum görünmüyor göremiyorum çalışmıyor çalışıyor açılmıyor giremiyorum giriş yapamıyorum
bulamıyorum bulabilirim gelmiyor geldi teşekkürler teşekkür ederim lütfen yardım yardımcı hesap hesabım hesabıma hesabımı şifre
şifremi parola fatura faturalar faturayı ödeme dosya dosyayı indirmek yüklemek silmek değiştirmek eklemek göndermek hata görev
proje projeyi projeye takım ekip kullanıcı telefon telefonumda sayfa ekran mesaj soru sorun sorunum unuttum kayboldu davet
""",
    "sv": """
hej hejsan god morgon kväll jag du han hon vi ni de dem mig dig oss er min mitt mina din ditt dina vår vårt våra er ert en ett den
det och eller men för att eftersom om när var hur varför vem vad vilken vilket vilka inte inget inga aldrig ingen alltid fortfarande
redan mer mycket många alla allt varje här där nu idag igår imorgon igen också bara gärna tack snälla ja nej är var varit vara blir
bli blev har hade ha kan kunde måste ska skulle vill ville får fick gör göra gjort går gå ser se säger hittar hitta kommer komma med
utan från till på av i över under mellan genom efter innan sedan fungerar funkar logga loggar lösenord lösenordet konto kontot faktura
fakturor betalning betala fil filer ladda ta bort ändra lägga spara öppna stänga glömt tappat meddelande meddelanden fel felmeddelande
uppgift uppgifter projekt projektet tavla kalender telefon mobil sida skärm knapp användare fråga frågor hjälp hjälpa svar hälsningar
mvh vänliga ny nya gamla sista första bjuda bjuder inbjudan kollega
""",
    "da": """
hej goddag god morgen aften jeg du han hun vi i de dem mig dig os jer min mit mine din dit dine vores jeres en et den det og eller men
for at fordi hvis når hvor hvordan hvorfor hvem hvad hvilken hvilket hvilke ikke intet ingen aldrig altid stadig allerede mere meget
mange alle alt hver her der nu idag dag igår går imorgen igen også kun gerne tak venligst ja nej er var været være bliver blev blevet
har havde have kan kunne må skal skulle vil ville får fik gør gøre gjort går gå ser se siger finde finder kommer komme med uden fra
til på af over under mellem gennem efter før siden virker fungerer logge adgangskode kodeord konto kontoen faktura fakturaer betaling
betale fil filer hente slette slettet ændre tilføje gemme åbne lukke glemt mistet besked beskeder fejl fejlmeddelelse opgave opgaver
projekt projektet tavle kalender telefon mobil side skærm knap bruger spørgsmål hjælp hjælpe svar hilsen venlig ny nye gamle sidste
første invitere invitation noget nogen
""",
    "no": """
hei heisann god morgen kveld jeg du han hun vi dere de dem meg deg oss min mitt mine din ditt dine vår vårt våre deres en ei et den det
og eller men for å at fordi hvis når hvor hvordan hvorfor hvem hva hvilken hvilket hvilke ikke ingenting ingen aldri alltid fortsatt
allerede mer mye mange alle alt hver her der nå idag igår imorgen igjen også bare gjerne takk vennligst ja nei er var vært være blir
ble blitt har hadde ha kan kunne må skal skulle vil ville får fikk gjør gjøre gjort går gå ser se sier finne finner kommer komme med
uten fra til på av over under mellom gjennom etter før siden virker fungerer logge passord passordet konto kontoen faktura fakturaer
betaling betale fil filer laste slette slettet endre legge lagre åpne lukke glemt mistet melding meldinger feil feilmelding oppgave
oppgaver prosjekt prosjektet tavle kalender telefon mobil side skjerm knapp bruker spørsmål hjelp hjelpe svar hilsen vennlig ny nye
gamle siste første invitere invitasjon noe noen
""",
    "fi": """
hei moi terve hyvää päivää huomenta minä sinä hän me te he minun sinun meidän teidän heidän minulla meillä minulle meille ja tai mutta
koska jos kun missä mistä miten miksi kuka mikä mitä milloin kuinka ei en emme ette eivät kyllä myös vain vielä jo enää aina koskaan
nyt tänään eilen huomenna täällä siellä tämä tuo se nämä ne joka jotka kaikki mitään jotain kanssa ilman on ovat oli olivat olen olemme
olla ollut voin voi voimme voitte voiko voinko voisiko haluan haluaisin haluamme pitää täytyy tarvitsen tarvitsemme saa saan saada teen
tehdä toimi toimii näy näkyy löydy löydä kirjautua kirjautuminen kiitos kiitoksia ystävällisin terveisin apua auttaa tili tilin salasana
salasanan salasanani lasku laskun maksu tiedosto tiedoston poistaa vaihtaa muuttaa lisätä lähettää virhe virheilmoitus tehtävä projekti
projektin käyttäjä puhelin puhelimeen sivu viesti kysymys ongelma unohdin kutsu uusi vanhaan
""",
    "cs": """
dobrý den ahoj zdravím já ty on ona my vy oni můj moje mám náš naše a nebo ale protože že když pokud jak kde kdy proč kdo co který která
které kolik zda jestli ne ano také velmi více méně už ještě vždy nikdy teď dnes včera zítra tady tam s bez pro do od na v ve po před přes
mezi u pod nad při je jsou byl byla bylo být jsem jsme jste máme máte můžu mohu může můžeme můžete chci chceme chtěl chtěla potřebuji
potřebuju musím dělám dělat udělat říká vidím vidět funguje nefunguje zobrazuje se mi mě nás nám vám tento tato toto všechno nic něco
někdo nikdo jiný prosím děkuji díky pozdravem pomoc pomoci účet účtu heslo faktura faktury platba kartu soubor soubory stáhnout smazat
změnit vytvořit přidat přihlásit nemohu nelze poslat dostal chyba úkol úkoly projekt projektu pozvat uživatel telefon stránka zpráva
zprávy otázka dotaz zapomněl ztratil
""",
    "hu": """
szia sziasztok üdvözlöm jó napot kívánok én te ő mi ti ők az egy és vagy de mert hogy ha hol mikor miért ki mi melyik mennyi hogyan nem
igen is nagyon több már még mindig soha most ma tegnap holnap itt ott ez ezt azt minden semmi valami valaki van vannak volt voltak lenni
vagyok tudom tudok tud tudunk lehet szeretném szeretnék szeretnénk kell akarok csinálok működik megy látom kapok kaptam köszönöm köszönjük
kérem üdvözlettel segítség segíteni fiók fiókomba jelszó jelszavam jelszavamat számla számlát számlákat fizetés fájl fájlt letölteni
törölni módosítani létrehozni hozzáadni bejelentkezni belépni hiba feladat projekt projektet felhasználó telefon telefonon oldal üzenet
kérdés probléma elfelejtettem elvesztettem
""",
    "ro": """
bună ziua salut eu tu el ea noi voi ei meu mea mele nostru noastră noastre un o și si sau dar pentru că dacă cum unde când de ce cine care
cât cât nu da și foarte mai mult puțin deja încă mereu niciodată acum azi astăzi ieri mâine aici acolo cu fără la din pe în între este
sunt era fost fi am ai avem aveți pot poate putem puteți vreau vrem aș dori doresc trebuie fac face văd spune merge funcționează apare îmi
mă ne acest această toate tot nimic ceva cineva nimeni mulțumesc mulțumim vă rog ajutor cont contul contului parola parolă factură facturi
facturile plată fișier fișierul descărca șterge schimba crea adăuga conecta autentifica eroare sarcină proiect proiectul utilizator telefon
pagină mesaj întrebare problemă uitat pierdut
""",
    "id": """
halo selamat pagi siang sore malam saya kami kita anda kamu dia mereka dan atau tetapi tapi karena kalau jika bagaimana dimana mana kapan
mengapa kenapa siapa apa berapa tidak bukan ya juga sangat lebih sudah belum masih selalu sekarang hari ini kemarin besok di ke dari untuk
dengan tanpa pada yang adalah ada bisa dapat mau ingin perlu harus akan membuat melihat muncul masuk keluar terima kasih tolong mohon
bantuan bantu akun sandi kata tagihan pembayaran berkas unduh hapus ubah tambah kirim kesalahan tugas proyek pengguna halaman pesan
pertanyaan masalah lupa
""",
}


def _tables() -> dict[str, frozenset[str]]:
    found = {}
    for code, words in _TABLES.items():
        listed = set(words.split())
        # Many people write without accents; a German umlaut is then two letters.
        plain = {folded(word) for word in listed}
        if code == "de":
            plain = {w.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue").replace("ß", "ss") for w in listed}
        found[code] = frozenset(listed | {word for word in plain if len(word) > 2})
    return found


WORDS = _tables()

# Letters that few languages write, in words that stand in no table.
LETTERS = {
    "ñ": ("es",), "¿": ("es",), "¡": ("es",), "ß": ("de",), "ã": ("pt",), "õ": ("pt",), "œ": ("fr",), "ê": ("fr", "pt"),
    "è": ("fr", "it"), "ù": ("fr", "it"), "ò": ("it",), "ł": ("pl",), "ą": ("pl",), "ę": ("pl",), "ś": ("pl",),
    "ż": ("pl",), "ź": ("pl",), "ğ": ("tr",), "ş": ("tr",), "ı": ("tr",), "ø": ("da", "no"), "æ": ("da", "no"),
    "å": ("sv", "da", "no"), "ř": ("cs",), "ů": ("cs",), "ě": ("cs",), "ő": ("hu",), "ű": ("hu",), "ă": ("ro",),
    "ț": ("ro",), "ș": ("ro",), "ä": ("de", "sv", "fi"), "ö": ("de", "sv", "fi", "tr", "hu"), "ü": ("de", "tr", "hu"),
    "ç": ("fr", "pt", "tr"), "í": ("es", "pt", "cs", "hu"), "ó": ("es", "pt", "pl", "hu"), "á": ("es", "pt", "cs", "hu"),
}  # fmt: skip

ENDINGS = {
    "es": ("ción", "ciones", "miento", "iendo", "ando"),
    "de": ("ung", "ungen", "keit", "heit", "lich", "lichen", "iert", "ieren"),
    "fr": ("eur", "euse", "ement", "eaux"),
    "pt": ("ção", "ções", "mento", "endo"),
    "it": ("zione", "zioni", "mente", "endo"),
    "nl": ("heid", "ingen", "lijk", "lijke"),
    "pl": ("ować", "anie", "enie", "ości"),
    "tr": ("iyor", "ıyor", "uyor", "üyor", "ebilir", "abilir", "lerin", "ların", "mıyor", "miyor"),
    "fi": ("ssa", "ssä", "sta", "stä", "lla", "llä", "seen", "nen"),
}
