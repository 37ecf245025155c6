"""The words of the fixed rules in the other languages, without accents, as the rules read every text.

All of them are tried on every message, so no word may stand here that is an everyday word of another language.
"""

import re

from agent_runner.trigger_words_west import FRENCH, ITALIAN, PORTUGUESE
from tickets.reasons import Reason

# What carries a name in the product. A column called like a rule's word asks for nothing.
_NOUNS = (
    r"(?:columns?|fields?|labels?|tags?|boards?|columnas?|campos?|etiquetas?|tableros?|plantillas?|spalten?|felde?r?|etiketten?|vorlagen?"
    r"|colonnes?|champs?|etiquettes?|tableaux?|modeles?|colunas?|quadros?|etiqueta|modelos?|colonn[ae]|camp[oi]|etichett[ae]|bachec(?:a|he)|modell[oi])"
)
_CALLED = r"(?:(?: (?:called|named|llamad[oa]|namens|mit dem namen|nomme[e]?|appelee?|chamad[oa]|chiamat[oa]))?(?: (?:de|del|de la|de los|des|du|do|da|dos|di|dei|delle|della|der|fu?r))? ?)"
PRODUCT_THINGS = re.compile(
    rf"(?<![\w-]){_NOUNS}{_CALLED}(?:[\"'«»“„]\s?[^\"'«»“”„\n]{{1,30}}[\"'«»“”]|(?<= )(?:d'|l')?(?:preci\w*|pre[sz]z?[iou]\w*|preis\w*|prix|prec\w*|price\w*|refund\w*|re[ei]mbols\w*|rembours\w*|r[iu]\w*rimbors\w*|rimbors\w*|descuent\w*|descont\w*|rabatt\w*|remise\w*|scont\w*|abogad\w*|anwalt|avocat|advogad\w*|avvocat\w*|lawyer|pricing|tarif\w*|erstattung\w*))",
    re.IGNORECASE,
)

ONE_WORD_ABROAD = (
    r"(?:un )?(?:humano|agente|persona real)",
    r"operador[a]?",
    r"(?:ein )?mensch",
    r"mitarbeiter(?:in)?",
    r"kundenservice|kundendienst|kundenbetreuung",
    r"(?:un )?(?:humain|conseiller|conseillere)",
    r"service client",
    r"(?:um )?(?:humano|atendente)|pessoa real",
    r"(?:un )?(?:operatore|umano|essere umano)",
    r"servizio clienti|atencion al cliente|atendimento",
)

_SPANISH: dict[Reason, tuple[str, ...]] = {
    Reason.POLICY: (
        r"suicid(?:arme|arse|io)",
        r"quitarme la vida",
        r"matarme",
        r"hacerme dano",
        r"quiero morir(?:me)?",
        r"no quiero (?:seguir viviendo|vivir mas)",
    ),
    Reason.LEGAL: (
        r"abogad[oa]s?",
        r"(?:voy|vamos) a (?:demandar|denunciar)(?:l[oe]s|os|te)?",
        r"(?:los|les|os|te) (?:voy a |vamos a )?(?:demandar|denunciar)(?:e|emos)?",
        r"(?:demandar|denunciar)(?:los|les|os|te)",
        r"demanda judicial",
        r"(?:accion(?:es)?|medidas|vias?) (?:legal(?:es)?|judicial(?:es)?)",
        r"(?:a|ante) (?:los tribunales|juicio)",
        r"incumplimiento (?:de|del) contrato",
        r"(?:eliminen|borren|supriman|elimine|borre|suprima|entreguenme|envienme|enviarme) (?:todos )?(?:mis|nuestros) datos(?: personales)?",
        r"(?:copia|supresion|eliminacion) de (?:todos )?(?:mis|nuestros) datos(?: personales)?",
        r"(?:mi|el|nuestro) derecho (?:al olvido|de supresion|de acceso|de rectificacion|de portabilidad)",
        r"que datos (?:personales )?(?:guardan|tienen|almacenan|conservan|tratan) (?:sobre|de) (?:mi|nosotros)",
        r"(?:segun|conforme al?|en virtud del|solicitud (?:de|del)|articulo \d+ del) rgpd",
        r"(?:delegado|agencia(?: espanola)?|autoridad) de proteccion de datos",
        r"burofax",
    ),
    Reason.SECURITY: (
        r"hackea(?:do|da|ron)",
        r"(?:cuenta|espacio) (?:ha sido|fue|esta|fueron) (?:comprometid|robad|vulnerad|piratead)[oa]",
        r"(?:han|ha) (?:robado|pirateado) (?:mi|la|nuestra) (?:cuenta|contrasena|clave)",
        r"me (?:han robado|robaron) (?:la|mi) (?:cuenta|contrasena|clave)",
        r"(?:alguien|un desconocido|un extrano) (?:mas )?(?:ha entrado|entro|ha accedido|accedio|inicio sesion|ha iniciado sesion|tiene acceso) (?:en|a|con) (?:mi|nuestr[ao]) (?:cuenta|espacio)",
        r"(?<!contra )(?<!contra una )(?<!evitar )(?<!evitar una )(?:brecha|fuga|filtracion|incidente) de (?:datos|seguridad)",
        r"(?<!evitar )(?<!contra )(?<!impedir )(?<!prevenir )(?:cargos?|accesos?|pagos?) no autorizados?",
    ),
    Reason.REFUND_REQUEST: (
        r"(?:quiero|solicito|exijo|pido|pedir) (?:una|la|mi) devolucion",
        r"reembols(?:os?|ar|en|e|ad[oa]|arme|enme|eme|arnos)",
        r"devolucion (?:del dinero|del importe|del pago|de mi dinero|del cargo)",
        r"dev(?:uelv|olv)\w* (?:el|mi|nuestro) dinero",
        r"(?:cobrado|cobraron|facturado|facturaron|cargado|cargaron) (?:dos veces|el doble|por duplicado)",
        r"doble cobro",
    ),
    Reason.PRICING_INQUIRY: (
        r"precios?(?![^.?!\n]{0,50} (?:tarjeta|campo|columna|tablero|etiqueta|tarea)s?\b)",
        r"cuanto (?:me |nos )?(?:cuestan?|costarian?|vale|valen|cobran|sale|saldria)(?! (?:en )?(?:tiempo|memoria))",
        r"(?:que|sus|las|vuestras|nuevas) tarifas?",
        r"descuentos?",
        r"(?:envi\w+|mand\w+|quiero|necesito|ped\w+|hac\w+|dar\w*) (?:me |nos )?un presupuesto",
        r"cotizacion",
        r"(?:plan|opcion|version|suscripcion|tarifa) (?:mas|menos) (?:barat|economic|car)[oa]",
        r"demasiado car[oa]",
    ),
    Reason.ABUSE: (
        r"hijos? de puta",
        r"mierda",
        r"gilipollas",
        r"cabron(?:es)?",
        r"pendejos?",
        r"(?:idiotas|imbeciles|estafadores|ladrones|sinverguenzas)",
        r"(?:eres|sois|son) (?:tod[oa]s )?(?:un[oa]?s? )?(?:idiota|imbecil|estupid[oa]s?|inutil(?:es)?|incompetentes?)",
        r"vete al (?:diablo|infierno)",
        r"os voy a (?:matar|encontrar)",
    ),
    Reason.CUSTOMER_REQUEST: (
        r"(?:hablar|chatear|comunicarme|contactar|conversar)(?: directamente)? con (?:un[ao]? |algun[ao]? |el |la |su |vuestro )?(?:persona|humano|ser humano|agente|alguien|operador[a]?|representante|responsable|encargad[oa]|gerente|supervisor[a]?|asesor[a]?)(?! (?:de (?:mi|nuestro|otro)|del (?:proyecto|equipo)|en (?:mi|el|un)|que|fuera|invitad[oa]))",
        r"(?:paseme|paseme|pongame|comuniqueme|transfierame|conecteme|pasadme|ponganme|comuniquenme) con",
        r"(?:quiero|necesito|prefiero|quisiera|hay) (?:a )?(?:un[ao]? |algun )?(?:humano|persona real|persona de verdad|agente(?: humano)?(?! de)|ser humano|operador)",
        r"con una persona (?:real|de verdad|de carne y hueso)",
        r"no (?:quiero (?:hablar )?)?con (?:un |una )?(?:bot|robot|maquina)",
        r"(?:eres|es usted|es esto|estoy hablando con) un (?:bot|robot|humano)",
        r"(?:llamenme|llameme|llamadme|(?:me )?(?:pueden|puede|podrian|podria) llamar(?:me)?(?: por telefono)?)",
    ),
    Reason.ACCOUNT_ACTION: (
        r"(?:por favor,? |pueden |podrian |puede |podeis |quiero que |necesito que |solicito que |les pido que )(?:me )?(?:cancel|elimin|borr|cierr|cerr|desactiv|suspend|desbloque|fusion|reactiv|den? de baja|dar de baja)\w* (?:mi|nuestr[oa]) (?:cuenta|suscripcion|plan|espacio|contrato)",
        r"(?:cancelen|eliminen|borren|cierren|desactiven|desbloqueen|cancele|elimine|borre|cierre|desbloquee) (?:mi|nuestr[oa]) (?:cuenta|suscripcion|plan|espacio|contrato)",
        r"(?:quiero|quisiera|queremos|deseo) (?:cancelar|dar de baja|rescindir) (?:mi|nuestr[oa]|la|el) (?:suscripcion|plan|contrato|cuenta)",
        r"(?:denme|dadme|quiero darme) de baja",
    ),
    Reason.NEGATIVE_SENTIMENT: (
        r"(?:muy|extremadamente|sumamente|tan|totalmente|realmente|profundamente) (?:enfadad|enojad|decepcionad|frustrad|indignad|furios|hart)[oa]s?",
        r"(?:estoy|estamos) (?:hart|furios|indignad)[oa]s?",
        r"(?:es|son|absolutamente|totalmente) (?:inaceptable|ridiculo|vergonzoso|indignante|intolerable|una verguenza|un desastre|una basura)",
        r"(?:el|la) peor (?:servicio|soporte|aplicacion|app|producto|empresa|experiencia|atencion)",
        r"(?:servicio|soporte|atencion)(?: al cliente)? (?:pesim|horribl|terribl|lamentabl|asqueros)\w+",
        r"pesim[oa] (?:servicio|soporte|atencion|aplicacion|producto|experiencia)",
        r"odio (?:esta|este|su|vuestr[oa]) (?:aplicacion|app|programa|producto|servicio|empresa)",
        r"(?:perdida|perder) (?:de |mi |el )+tiempo",
        r"a nadie le importa",
        r"(?:segunda|tercera|cuarta|quinta|sexta|decima|enesima) vez que (?:les |os |te |lo |se lo )*(?:escrib|pregunt|contact|reclam|pid|report|explic|dig)\w*",
        r"(?:despues de|tras) (?:dos|tres|cuatro|cinco|varias|tantas|muchas|\d+) (?:respuestas|correos|mensajes|tickets|consultas)[^.?!\n]{0,40}(?:sigue|todavia|aun|nada)",
        r"(?:sigue|todavia|aun)[^.?!\n]{0,40} (?:despues de|tras) (?:dos|tres|cuatro|cinco|varias|tantas|muchas|\d+) (?:respuestas|correos|mensajes|tickets|consultas)",
        r"(?:he escrito|escribi|he preguntado|he contactado|he explicado|he pedido) (?:ya )?(?:dos|tres|cuatro|cinco|varias|muchas|mil|\d+) veces",
        r"cuantas veces (?:mas )?(?:tengo|tenemos|hay)",
    ),
}

_GERMAN: dict[Reason, tuple[str, ...]] = {
    Reason.POLICY: (
        r"(?:mich|mir) (?:umbringen|toe?ten|etwas an(?:zu)?tun|das leben (?:zu )?nehmen)",
        r"bringe? mich (?:jetzt )?um",
        r"selbstmord",
        r"suizid\w*",
        r"(?:mo?e?chte|will) (?:nicht mehr leben|sterben)",
    ),
    Reason.LEGAL: (
        r"(?:rechts)?anwa?e?lt(?:e|in|s)?",
        r"(?:verklagen|verklage)",
        r"(?:klage|anzeige) (?:einreichen|erheben|erstatten)",
        r"rechtliche (?:schritte|konsequenzen|massnahmen|maßnahmen)",
        r"(?:juristisch|gerichtlich) (?:vorgehen|gegen)",
        r"vor gericht",
        r"rechtsabteilung (?:wird|hat|meint|sagt)",
        r"vertragsbruch|vertragsverletzung",
        r"(?:lo?e?schen sie|senden sie mir|schicken sie mir|geben sie mir) (?:bitte )?(?:alle|sa?e?mtliche|meine) (?:meine |u?e?ber mich gespeicherten? )?(?:personenbezogenen |perso?e?nlichen )?daten",
        r"(?:auskunft|welche daten)[^.?!\n]{0,50} (?:u?e?ber mich|zu meiner person)",
        r"(?:lo?e?schung|auskunft|kopie|herausgabe) (?:u?e?ber )?(?:aller )?meiner? (?:personenbezogenen |perso?e?nlichen )?daten",
        r"recht auf (?:vergessenwerden|lo?e?schung|auskunft)",
        r"(?:nach|laut|gema?e?(?:ss|ß)|art(?:ikel|\.)? ?\d+) (?:der )?dsgvo",
        r"dsgvo[- ](?:anfrage|auskunft|beschwerde|lo?e?schung)",
        r"datenschutz(?:beauftragte[rn]?|beho?e?rde|anfrage|auskunft)",
        r"(?:abmahnung|schadens?ersatz)",
    ),
    Reason.SECURITY: (
        r"gehackt",
        r"(?:passwort|zugangsdaten|konto|token)[^.?!\n]{0,12} (?:gestohlen|geklaut|gestohlen worden)",
        r"(?:konto|account|zugang|arbeitsbereich) (?:wurde|ist|worden)[^.?!\n]{0,15} (?:u?e?bernommen|kompromittiert|gestohlen|geknackt)",
        r"(?:jemand|ein fremder|ein unbekannter)(?: anderes?)? (?:hat|hatte)[^.?!\n]{0,40} (?:in (?:mein|unser)(?:em|en)? (?:konto|account|arbeitsbereich)|zugriff auf (?:mein|unser)(?:en)? (?:konto|account|arbeitsbereich))",
        r"(?<!vor einem )(?<!gegen )(?:datenleck|datenpanne|datendiebstahl|sicherheitsvorfall|sicherheitslu?e?cke)",
        r"(?:unberechtigte|unbefugte|nicht autorisierte)[rns]? (?:zugriffe?|abbuchung(?:en)?|zahlung(?:en)?|anmeldung(?:en)?)(?! (?:verhindern|vermeiden|schu?e?tzen|blockieren))",
        r"unbefugter? (?:zugriff|zugang) auf (?:mein|unser)",
    ),
    Reason.REFUND_REQUEST: (
        r"(?:ru?e?ck)?erstatt(?:ung|ungen|en|et|e)(?! (?:ich )?(?:spalte|feld|bericht|meldung))",
        r"(?:mein|unser|das) geld zuru?e?ck",
        r"(?:doppelt|zweimal|zwei mal) (?:abgebucht|berechnet|belastet|bezahlt|verrechnet)",
        r"doppelte (?:abbuchung|berechnung|belastung)",
        r"ru?e?ckbuchung|ru?e?ckzahlung",
    ),
    Reason.PRICING_INQUIRY: (
        r"preise?n?(?! (?:spalte|feld|sehen|anzeigen))(?![^.?!\n]{0,50} (?:karten?|felde?r?n?|spalten?|aufgaben?|etiketten?)\b)",
        r"preisliste|preismodell|preisu?e?bersicht|preisanfrage",
        r"(?:was|wie ?viel) (?:kostet|kosten|wu?e?rden?[^.?!\n]{0,40} kosten)",
        r"(?:kosten|geb[u]e?hren) pro (?:monat|nutzer|jahr|benutzer|platz)",
        r"(?:rabatte?|mengenrabatt|preisnachlass)",
        r"(?:gu?e?nstigere[rns]?|billigere[rns]?|gu?e?nstigste[rns]?) (?:tarif|plan|paket|abo|version|variante)",
        r"(?:ein angebot|einen kostenvoranschlag) (?:fu?e?r (?:uns|\d+)|schicken|senden|machen|erstellen|zukommen)",
        r"kostenvoranschlag",
        r"zu teuer",
        r"wie teuer",
    ),
    Reason.ABUSE: (
        r"schei(?:ss|ß)(?:e|\w*)",
        r"arschlo?e?cher|arschloch",
        r"wichser",
        r"hurenso?e?hn\w*",
        r"verpisst? euch|verpiss dich",
        r"fickt? (?:euch|dich)",
        r"(?:idioten|vollidiot\w*|dummko?e?pfe|betru?e?gerbande|abzocker|saftladen)",
        r"(?:ihr|du|sie) (?:seid|bist|sind) (?:alle |doch |ja |echt |total |nur )*(?:ein |eine |so )?(?:idiot\w*|dumm|blo?e?d|unfa?e?hig|betru?e?ger|inkompetent|nutzlos)",
        r"ich (?:finde|bringe) (?:dich|euch)(?: um)?",
    ),
    Reason.CUSTOMER_REQUEST: (
        r"(?:mit|an) (?:einem|einer|einen|jemandem|jemanden|ihrem|ihrer|dem|der)? ?(?:echten |richtigen |wirklichen |menschlichen |anderen )*(?:menschen?|mitarbeiter(?:in)?|person|berater(?:in)?|vorgesetzten?|chef(?:in)?|kundenberater(?:in)?|kundenservice|kundendienst|support(?:mitarbeiter)?|agenten|ansprechpartner(?:in)?)[^.?!,\n]{0,20} (?:sprechen|reden|chatten|schreiben|telefonieren|verbinden|verbunden|weiterleiten|weitergeleitet)",
        r"mit jemandem (?:sprechen|reden|telefonieren)(?! (?:der|die|aus))",
        r"(?:sprechen|reden) (?:sie )?(?:bitte )?mit (?:einem|einer|ihrem) (?:echten |richtigen )?(?:menschen|mitarbeiter(?:in)?|vorgesetzten|chef|person)",
        r"(?:verbinden|verbinde) (?:sie )?mich (?:bitte )?mit",
        r"(?:echte[rnm]?|richtige[rnm]?|wirkliche[rnm]?) (?:mensch(?:en)?|person)",
        r"(?:brauche|will|mo?e?chte|gibt es)(?: hier)? (?:bitte )?(?:einen |keinen bot,? sondern einen )?(?:menschen|mitarbeiter|echten ansprechpartner)",
        r"(?:nicht mit|kein(?:en)?) (?:einem |einer )?(?:bot|roboter|maschine|computer)(?: (?:sprechen|reden|schreiben)|[ ,.!]*$)",
        r"(?:bist du|sind sie|ist das|spreche ich mit|rede ich mit) (?:hier )?(?:ein(?:em)? )(?:bot|roboter|mensch|maschine)",
        r"ru(?:fen sie|ft|f) mich (?:bitte )?(?:zuru?e?ck|an)",
        r"(?:bitte um|um einen) (?:einen )?(?:ru?e?ckruf|anruf)",
    ),
    Reason.ACCOUNT_ACTION: (
        r"(?:bitte |ko?e?nn(?:t|en|ten) (?:sie|ihr) (?:bitte )?)(?:mein|meine|meinen|unser|unsere|unseren|das|den) (?:konto|account|abo|abonnement|arbeitsbereich|vertrag|tarif|mitgliedschaft)[^.?!\n]{0,20} (?:lo?e?schen|ku?e?ndigen|schlie(?:ss|ß)en|sperren|entsperren|freischalten|deaktivieren|zusammenfu?e?hren|herabstufen|hochstufen)",
        r"(?:lo?e?schen|ku?e?ndigen|schlie(?:ss|ß)en|sperren|entsperren|deaktivieren|beenden) sie (?:bitte )?(?:mein|meine|meinen|unser|unsere|unseren) (?:konto|account|abo|abonnement|arbeitsbereich|vertrag|tarif)",
        r"(?:ich|wir)[^.?!\n]{0,10} (?:mo?e?chten?|wollen|will)(?: hiermit)? (?:mein|unser|den|das)(?:en|e)? (?:abo|abonnement|vertrag|tarif) (?:ku?e?ndigen|beenden)",
        r"hiermit ku?e?ndige",
        r"ku?e?ndige (?:ich )?(?:hiermit )?(?:mein|unser)(?:en|e)? (?:abo|abonnement|vertrag|konto)",
    ),
    Reason.NEGATIVE_SENTIMENT: (
        r"(?:sehr|extrem|wirklich|so|total|zutiefst|mehr als|absolut|ma(?:ss|ß)los) (?:entta?e?uscht|wu?e?tend|vera?e?rgert|sauer|frustriert|empo?e?rt|unzufrieden)",
        r"(?:stinksauer|fassungslos)",
        r"(?:ich habe|wir haben|habe|haben) (?:die nase voll|es satt|genug von (?:euch|ihnen))",
        r"(?:vo?e?llig|absolut|einfach|ist|echt) (?:inakzeptabel|la?e?cherlich|unversch[a]e?mt|eine frechheit|eine zumutung|ein witz|unmo?e?glich von)",
        r"(?:eine )?(?:frechheit|unversch[a]e?mtheit)",
        r"(?:schlechteste|miserabelste|mieseste)[rns]? (?:\w+ )?(?:app|service|support|software|produkt|kundendienst|firma|programm)",
        r"(?:miserabl|katastrophal|gru?e?ttenschlecht|unterirdisch)e?[rs]? (?:service|support|kundendienst|kundenservice|software|app)",
        r"(?:service|support|kundendienst) ist (?:eine katastrophe|unter aller sau|miserabel|katastrophal)",
        r"hasse (?:diese|euer|eure|ihr|ihre) (?:app|programm|software|produkt|firma)",
        r"(?:reine )?zeitverschwendung",
        r"(?:niemand|keiner) (?:ku?e?mmert sich|antwortet (?:mir|uns))",
        r"(?:zweite|dritte|vierte|fu?e?nfte|sechste|zehnte|x-te)(?:n|s)? mal,? (?:dass|das|daß)? ?(?:ich|wir) (?:(?:ihnen|euch|mich|das|deswegen|deshalb|darum|nun|jetzt) )*(?:schreib|frag|meld|kontaktier|bitt|berichte|erkla?e?r|nachfrag)\w*",
        r"(?:schreibe|frage|melde|bitte|erkla?e?re) (?:(?:ich|ihnen|euch|mich|das|sie|nun|jetzt|schon|bereits) )*zum (?:zweiten|dritten|vierten|fu?e?nften|sechsten|zehnten|x-ten|wiederholten) mal",
        r"nach (?:zwei|drei|vier|fu?e?nf|mehreren|vielen|\d+) (?:antworten|mails|e-mails|nachrichten|tickets|anfragen|versuchen)[^.?!\n]{0,40}(?:immer noch|noch immer|nichts|weiterhin|noch nicht)",
        r"(?:immer noch|noch immer|weiterhin)[^.?!\n]{0,40} nach (?:zwei|drei|vier|fu?e?nf|mehreren|vielen|\d+) (?:antworten|mails|e-mails|nachrichten|tickets|anfragen)",
        r"(?:schon|bereits) (?:zweimal|dreimal|viermal|mehrmals|mehrfach|zigmal|\d+ ?mal) (?:\w+ )?(?:geschrieben|gemeldet|gefragt|erkla?e?rt|kontaktiert|angefragt)",
        r"zum (?:zweiten|dritten|vierten|fu?e?nften|sechsten|zehnten|x-ten|wiederholten) mal (?:schreib|frag|meld|bitt|erkla?e?r|kontaktier)\w*",
        r"wie oft (?:muss|soll|denn) (?:ich|wir|noch)",
    ),
}

ABROAD: dict[str, dict[Reason, tuple[str, ...]]] = {
    "es": _SPANISH,
    "de": _GERMAN,
    "fr": FRENCH,
    "pt": PORTUGUESE,
    "it": ITALIAN,
}
