"""What honest help pages do not hold, and why an editor should look at it. The patterns of suspicions.py.

In English, German, Spanish, French, Portuguese and Italian; the first demand of them all in four more languages.
"""

_G = r"[^.!?]{0,50}?"  # what may stand between two words of one sentence
# The same without a comma, and not up to what readers are told to follow: "If you forget your password, follow …".
_NEAR = r"(?:(?!follow|folge|befolg|siga|sigue|suive|segu[ia])[^.!?,;]){0,50}?"
_NOT = r"(?<!\bnot\s)(?<!\bnever\s)(?<!n't\s)(?<!\bto\s)(?<!\bcan\s)"

_FORGET_EN = (
    r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|es|ing)|bypass|overrule|discard|set aside"
    r"|pay no attention to|do not (?:follow|obey)|don't (?:follow|obey)|stop following|no longer follow)\b"
)
_RULES_EN = (
    r"\b(?:instructions?|guidelines|directives?|prompts?|orders|commands|constraints|restrictions|rules|policies"
    r"|guidance|guardrails|safeguards|programming|training|(?:system|developer) messages?)\b"
)
_BEFORE_EN = r"(?=[^.!?,;]{0,70}\b(?:previous(?:ly)?|prior|above|earlier|preceding|former|your|initial|original|before|system|developer|you (?:were|are|have|had|got))\b)"
_WITHOUT = (
    r"(?:without (?:any )?(?:rules|restrictions|limits|limitations|filters|guardrails|censorship)"
    r"|ohne (?:jede |alle )?(?:regeln|grenzen|einschrankungen|filter)"
    r"|sin (?:ningun\w* )?(?:reglas|limites?|restricciones|filtros)|sans (?:aucune? )?(?:regles?|limites?|restrictions?|filtres?)"
    r"|sem (?:nenhum\w* )?(?:regras|limites?|restricoes|filtros)|senza (?:alcun\w* )?(?:regole|limiti?|restrizioni|filtri))\b"
)
_MACHINE = r"\b(?:assistent\w*|asistente|assistant|assistente|bot|chatbot|ki|ia|ai|llm|language model|sprachmodell)s?\b"
_CUSTOMERS = r"(?:the |every |each |any |all )?(?:customers?|clients?|readers?)"
_PRIVATE = (
    r"(?:(?:e-?mail )?address(?:es)?|e-?mails?|data|tickets?|passwords?|phone numbers?|messages|details|names|links?)"
)
INVISIBLE = "\u180e\u200b\u2060-\u2064\ufeff\u202a-\u202e\u2066-\u2069\ufff9-\ufffb"
JOINERS = "\u200c\u200d"  # letters of Persian and Indian languages, and families of emoji, need them

# Why it matters, as an editor reads it, and what is looked for: in a text in small letters, without accents.
# A space stands for whatever parts two words.
ORDERS: dict[str, tuple[str, ...]] = {
    "it tells an assistant to forget its rules": (
        rf"{_FORGET_EN}{_BEFORE_EN}{_NEAR}{_RULES_EN}",
        rf"{_FORGET_EN} (?:all|any|every)\b[^.!?]{{0,15}}?{_RULES_EN}",
        r"\b(?:previous|prior|earlier|your|initial|original) (?:\w+ )?(?:configuration|instructions|guidance|rules|prompt|guidelines) (?:no longer|do not|does not|don't|doesn't) appl(?:y|ies)\b",
        r"\b(?:instructions|guidelines|rules|restrictions)\b[^.!?,;]{0,25}?\b(?:are|is) (?:now |hereby )?(?:void|suspended|lifted|obsolete|no longer valid|to be ignored)\b",
        r"\b(?:alle|bisherigen?|vorherigen?|obigen?|deine)\b[^.!?,;]{0,20}?\b(?:anweisungen|regeln|vorgaben|instruktionen)\b[^.!?,;]{0,30}?\b(?:ignorieren|vergessen|aufgehoben|ungultig|hinfallig)\b",
        r"\b(?:ignore|disregard|forget) (?:all )?(?:of )?the (?:above|foregoing)(?=\s*(?:[.!;:,]|$)| and\b)",
        r"\b(?:ignore|disregard|forget|discard) (?:everything|anything|whatever|what)(?: that)? (?:you|i|we|they|was|were|is|has|stands|above|before|said)\b",
        r"\b(?:your new (?:task|instructions?|rules|orders|role|persona)|new (?:instructions|orders|directives?|persona))\s?:",
        r"\b(?:ignorier(?:e|t|en sie)|vergiss|vergesst|vergessen sie|missachte\w*|umgehe\w*|verwirf)\b"
        rf"(?=[^.!?,;]{{0,70}}\b(?:alle[rns]?|alles|bisherig\w*|vorherig\w*|fruher\w*|obig\w*|deine[rn]?|vorigen)\b){_NEAR}\b(?:anweisung\w*|regeln?|vorgaben|instruktion\w*|richtlinien|befehle|prompts?)\b",
        rf"\b(?:beachte|befolge)\w*\b{_NEAR}\b(?:anweisungen|regeln|vorgaben|instruktionen|richtlinien) nicht\b|\bab (?:jetzt|sofort|nun) gilt\b",
        rf"\b(?:vergiss|ignoriere?) alles\b,?{_NEAR}\b(?:gesagt|vorher|bisher|oben|davor|gelernt)\b",
        r"\b(?:ignor(?:a|e|en|ad)|olvid(?:a|e|en|ad|ate)|desobede\w+|descart(?:a|e|en|em)|omit[ae]|haz caso omiso|no (?:sigas|hagas caso|obedezcas|tengas en cuenta))\b"
        rf"(?=[^.!?,;]{{0,70}}\b(?:tod[ao]s|anterior\w*|previ[ao]s|tus|sus|arriba)\b){_NEAR}\b(?:instrucciones|reglas|ordenes|indicaciones|directrices|normas|prompts?)\b",
        r"\b(?:ignore[zr]?|oublie[zr]?|ne (?:tiens|tenez|suis|respecte[zr]?) (?:pas|plus)|fai(?:s|tes) abstraction|contourne[zr]?|desobeis\w*)\b"
        rf"(?=[^.!?,;]{{0,70}}\b(?:toutes|tous|precedent\w*|anterieur\w*|tes|ci-dessus)\b){_NEAR}\b(?:instructions|consignes|regles|directives|ordres|prompts?)\b",
        r"\b(?:ignor(?:a|e|em)|esquec(?:a|am)|desconsider(?:a|e|em)|descart(?:a|e|en|em)|desobedec\w+|nao (?:siga|obedeca|leve em conta))\b"
        rf"(?=[^.!?,;]{{0,70}}\b(?:tod[ao]s|anterior\w*|previ[ao]s|suas|tuas|acima)\b){_NEAR}\b(?:instrucoes|regras|ordens|orientacoes|diretrizes|comandos|prompts?)\b",
        r"\b(?:(?:ignora|dimentica|trascura|scorda)(?:te)?|non (?:seguire|considerare|tenere conto|rispettare)|disobbedisci)\b"
        rf"(?=[^.!?,;]{{0,70}}\b(?:tutt[ei]|precedent[ei]|tue|tuoi|sopra)\b){_NEAR}\b(?:istruzioni|regole|ordini|indicazioni|direttive|comandi|prompt)\b",
        r"(?:игнорируй|забудь|не следуй|отбрось|не выполняи)\w*[^.!?]{0,40}(?:инструкц|указани|правил|команд)\w*",
        r"(?:忽略|无视|無視|忽視|忘记|忘掉|不要遵守)[^。!?]{0,14}(?:指令|指示|规则|規則|提示|命令)",
        r"(?:指示|命令|ルール|規則|プロンプト)[^。!?]{0,10}(?:無視|忘れ|従わな)",
        r"(?:تجاهل|انس|لا تتبع)[^.!?]{0,25}(?:التعليمات|تعليمات|الأوامر|القواعد|الإرشادات)",
    ),
    "it gives an assistant another role": (
        rf"\byou (?:are|have|act){_G}\b{_WITHOUT}",
        r"\byou (?:have|follow|obey|know|are bound by) no (?:rules|restrictions|limits|limitations|filters|guidelines)\b",
        r"\byou are (?:now )?(?:no longer (?:bound|an? (?:\w+ )?(?:ai|agent|assistant|bot))|dan\b|jailbroken|unfiltered|unrestricted|uncensored)",
        r"\byou are (?:now )?in (?:\w+ )?(?:maintenance|developer|debug|god|admin|test|root|training) mode\b|\b(?:unrestricted|uncensored|unfiltered|jailbreak|god|dan) mode\b",
        rf"\bstop (?:being|acting as) (?:an? |the )?(?:\w+ )?{_MACHINE}",
        r"\byour (?:only|sole|new|true|real) (?:goal|purpose|task|job|aim|mission) (?:is|now)\b",
        r"\b(?:du hast keine|no tienes|tu n'a(?:s|vais) (?:aucune?|pas de|plus de)|voce nao tem|non hai)(?: \w+)? (?:regeln|grenzen|reglas|limites?|regles?|regras|regole|limiti)\b",
        rf"\byou are now (?:an? |the |my )(?:\w+ ){{0,2}}?{_MACHINE}",
        rf"\bpretend (?:to be|that you|you are|you're|you have)\b|\bact as (?:if you|though you|(?:an? |the |my )?(?:\w+ )?{_MACHINE})",
        r"\b(?:from (?:now|here|this point) on(?:wards?)?|henceforth),? (?:you (?:are|must|shall|answer|act|say|reply|respond|obey|follow|only|always|will (?:answer|act|say|reply|respond|obey|be|only))|your (?:name|role|task|job|answers?|repl(?:y|ies)|responses?|only)|(?:always|only) (?:answer|reply|respond|say))\b",
        rf"\b(?:du bist|sie sind) (?:ab )?(?:jetzt|nun|sofort)\b{_G}(?:{_MACHINE}|{_WITHOUT})",
        rf"\b(?:(?:ahora|a partir de ahora|desde ahora) eres|agora (?:voce e|tu es)|(?:ora|adesso|d'ora in poi) sei|(?:eres|sei) (?:ahora|ora|adesso)|voce e agora|tu es (?:maintenant|desormais)|vous etes (?:maintenant|desormais))\b{_G}(?:{_MACHINE}|{_WITHOUT})",
        rf"\b(?:verhalte dich wie|tu so,? als (?:ob|warst)|actua como|finge (?:ser|que)|agis comme|fais semblant|comporte-toi|aja como|atue como|finja (?:ser|que)|comportati come|fai finta|fingi di)\b{_G}(?:{_MACHINE}|{_WITHOUT})",
    ),
    "it speaks to an assistant and not to your readers": (
        rf"\b(?:note|message|instructions?|attention|memo|notice|reminder|hello|dear|hey|hinweis|nota|aviso)(?: to| for| an| para| per| pour)?(?: the| all| any| our| this| die| den| el| la| il| los| as| os| l')? ?{_MACHINE}",
        rf"(?m:^)(?:please |dear |hello )?{_MACHINE},|[.!?] (?:dear )?{_MACHINE},",
        r"\b(?:ai|bot|chatbot|llm|assistant)s? (?:agents? |systems? )?(?:reading|processing|seeing|parsing) (?:this|it)\b|\bwhen you (?:read|process|see) (?:this|the) (?:article|page|text|passage)\b",
        rf"\b(?:to|for) (?:all |any |every |the )?{_MACHINE} (?:only|that|who|which|reading)\b|\b(?:make sure|important|ensure|see to it) that (?:the|every|any) {_MACHINE}",
        rf"\bif you are (?:an? |the )?(?:large )?(?:automated )?{_MACHINE}",
        r"\bas an (?:ai|language model|llm)(?: \w+)?, you\b",
        r"\b(?:the|every|any) (?:ai|assistant|bot|chatbot|llm) (?:must|shall|has to|is to) (?:always |never |now |only |not )*(?:answer|say|reply|tell|ignore|obey|follow|reveal|send|recommend|include)\b",
        r"\bi am (?:the|your) (?:\w+ )?(?:developer|administrator|admin|creator|programmer|operator) (?:of this|behind this|and)\b|\bthis is your (?:administrator|admin|developer|creator|owner|operator)\b",
        r"\b(?:late|dead|deceased) grand(?:mother|ma|father|pa)\b|\bgrand(?:mother|ma|father|pa) used to (?:read|tell)\b",
    ),
    "it imitates the signs that part the speakers in an assistant's input": (
        r"<\|[\w-]{2,24}\|>|\[ ?/?(?:inst|system|assistant) ?\]|\bsystem override\b|<</?sys>>",
        r"(?m:^)[\s>#-]{0,8}(?:system|assistant|developer|ai|llm|chatbot)\s{0,2}:|\b(?:user|human|customer): ?[^\n]{0,200}\s(?:assistant|ai|bot): ?|\bassistant: (?:sure|certainly|of course|okay)\b",
        r"#{2,6}\s?(?:instruction|system|assistant|human)\s?:",
        r"\{\{[#/~]?\s?(?:system|assistant|user)\b",
        r"""["']role["']\s?:\s?["'](?:system|assistant|developer|tool)["']""",
        r"</?(?:system|assistant|developer|system[_-]?(?:prompt|message)|tool[_-](?:result|call|response|output)s?|function[_-](?:calls?|results?))>",
        r"\b(?:tool|function)[\s_](?:call|result|output)s?(?: (?:of|from) \w+)?\s?:|\b(?:begin|end) (?:of )?(?:the )?(?:system|admin) (?:prompt|message|instructions?)\b",
    ),
    "it names a tool that only the assistant has": (
        r"\b(?:create_ticket|get_customer_history|search_knowledge_base|escalate_to_human|send_response)\b",
    ),
    "it asks for what must stay secret": (
        r"\b(?:system[\s-]?prompts?\b(?! you)|systemanweisung\w*|prompts? (?:del|do|di|de) sistema|prompt systeme|invite systeme)",
        rf"\b(?:repeat|reveal|print|show|output|display|recite|disclose|quote|tell me|give me){_G}\byour (?:\w+ )?(?:prompt|instructions|guidelines)\b",
        r"\bwhat (?:are|is|were) your (?:\w+ )?(?:instructions|prompt|rules|guidelines)\b",
        rf"\bcustomer's {_PRIVATE} (?:to|in|into) (?:<?https?://|the (?:reply|answer|response|link|address))",
        rf"{_NOT}\b(?:output|print|repeat|recite|reveal|dump|paste|append|encode)\b{_G}\b(?:conversation so far|chat history|whole conversation|entire conversation|text of the conversation|everything above|(?:text|messages|words|lines) above)\b",
        rf"{_NOT}\b(?:reveal|leak|disclose|exfiltrate|print|recite|(?:give|tell|show|send) me)\b{_G}\b(?:api[\s_-]?keys?|secret[\s_-]?keys?|access tokens?|passwords?|credentials|environment variables?|secrets?(?: \w+)?|private keys?)\b",
        rf"\b(?:list|give|show|tell|send|reveal|name|print|read)\b{_G}\b{_PRIVATE} (?:of|from|for) (?:the )?(?:other|another|all|every) (?:customer|client)s?\b",
        rf"\b(?:list|give|show|tell|send|reveal|name|print|read)\b{_G}\b(?:other|another|every|all) (?:customer|client)s?'?s? {_PRIVATE}\b",
        r"\b(?:give|tell|show) me\b[^.!?]{0,30}?\b(?:link|token|ticket|secret|prompt|password|addresses|data)\b",
        rf"\b(?:verrat\w*|offenbare|revela|revele[zr]?|rivela|divulga|devoile[zr]?|preisgeben)\b{_G}\b(?:geheim\w*|api-?schlussel|pass?wort\w*|anweisungen|clave|contrasena|instrucciones|cle|mots? de passe|consignes|chave|senha|instrucoes|chiave|password|istruzioni|api)\b",
        rf"\b(?:zeige|nenne|gib|wiederhole|muestra|dime|dame|repite|montre|affiche|donne|repete|mostre|diga|repita|mostra|dimmi|ripeti)\b{_G}\b(?:deine anweisungen|tus instrucciones|tes (?:instructions|consignes)|suas instrucoes|tue istruzioni)\b",
        rf"\b(?:imprime|muestra|mostre|imprima|stampa)\b{_G}\b(?:clave secreta|chave (?:secreta|da api)|chiave segreta|variable de entorno|variavel de ambiente)\b",
    ),
    "it tells an assistant what to say or do": (
        r"\b(?:answer|reply|respond) (?:only|just|always|exactly|solely|nothing but) (?:with|by|that|in)\b",
        r"\b(?:answer|reply to|respond to|reply|respond) (?:every|any|all|each) (?:\w+ )?(?:questions?|customers?|requests?) (?:only |just )?(?:with|by|in|that)\b",
        r"\b(?:responde(?:r|n)? (?:siempre|solo|unicamente|exclusivamente)|repond(?:s|ez|re) (?:toujours|uniquement|seulement|exclusivement)|respond[ae]m? (?:sempre|apenas|somente)|rispond(?:i|a|ete|ere) (?:sempre|solo|soltanto|esclusivamente)|(?:antworte|beantworte|antworten sie|sage|sag)\b[^.!?]{0,30}? (?:immer|nur|stets|ausschliesslich))\b",
        r"(?<!\bwe\s)\b(?:always|only|never) (?:answer|reply|respond|say|recommend|mention) (?:with|that|the|this|our)\b",
        r"\b(?:say|claim|swear|insist) that (?:you|we|i) (?:have|are|will|can|did)\b",
        rf"\b(?:tell|inform|assure|convince) (?:{_CUSTOMERS} (?:that|to|about)|(?:them|everybody|everyone) so)\b",
        r"\b(?:do not|don't|never) (?:escalate|hand (?:this |it |them )?over|involve|transfer)\b[^.!?]{0,40}?\b(?:humans?|person|people|staff|team)\b|\bcite only\b",
        r"\bwenn (?:ein kunde|kunden|jemand)\b[^.!?]{0,60}? (?:antworte|sag|sage|schreib|schreibe)\b|\b(?:si|cuando) (?:un cliente|alguien)\b[^.!?]{0,60}? (?:responde|di|dile|diga)\b",
        r"\b(?:si|quand|lorsque?) ?'?(?:un client|quelqu'un)\b[^.!?]{0,60}? (?:reponds|repondez|dis|dites)\b|\b(?:se|quando) (?:um cliente|alguem|un cliente|qualcuno)\b[^.!?]{0,60}? (?:responda|diga|rispondi|di'|dica)(?!\w)",
        r"\b(?:do not|don't|never|without) (?:tell|telling|inform|informing|warn|warning) (?:the customers?|customers|the staff|staff|the team)\b",
        r"\b(?:when(?:ever)?|if|whatever|(?:each|every) time) (?:(?:a |an |the |any )?(?:customers?|clients?)|someone|somebody|anyone|anybody) (?:asks?|wants?|writes?|complains?|mentions?)\b[^.!?]{0,60}?\b(?:answer|say|reply|respond|(?:tell|send|give|offer) (?:him|her|them)|recommend|promise)\b",
        r"\b(?:send|direct|refer|lead|point|redirect) (?:everybody|everyone|(?:all|every|the) customers?) to\b",
        r"\byou (?:must |will |shall |now )?obey\b|\bobey (?:me|this|these|my|your|every|all|the (?:next|following))\b",
    ),
}  # fmt: skip
# What only somebody who does not want to be noticed does; looked for in the text as it stands.
HIDDEN: dict[str, tuple[str, ...]] = {
    "there are invisible characters in it, which the assistant reads and your readers do not see": (
        f"[{INVISIBLE}]|(?<=[ -~])[{JOINERS}](?=[ -~])",
        "(?<![\U0001f3f4\U000e0000-\U000e007f])[\U000e0000-\U000e007f]+",  # some flags are written with them
        "[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}",
    ),
    "its letters are disguised, as people do who do not want to be noticed": (
        r"(?<![^\W_])[a-z]([.\-_·~ ])[a-z](?:\1[a-z]){3,}(?![^\W_])",
        r"[a-z][\u0400-\u04ff]|[\u0400-\u04ff][a-z]",
        r"[\uff21-\uff3a\uff41-\uff5a]{5}",
        r"(?:&#x?[0-9a-f]{2,6};){4}",
    ),
}
# The same, where it is no code that the page shows.
UNSEEN: dict[str, tuple[str, ...]] = {
    "your readers do not see it, but the assistant reads it": (
        r"<!--(?:(?!-->)[\s\S]){0,200}(?:-->)?",
        r"(?m:^)\s{0,3}\[(?://|#|_|comment)\]:\s.{0,200}",
        r"<[a-z][^>]{0,300}(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0(?!\.?\d)|[^-]color\s*:\s*(?:white|#fff)|\shidden[\s>=])[^>]{0,100}>?[^<]{0,80}",
    ),
    "this link runs a program or holds a page of its own, instead of leading to one": (
        r"\b(?:javascript|vbscript):(?=[\w(/'\"%])[^\s)]{0,60}",
        r"""(?:\]\(\s*<?|\]:\s*<?|(?:href|src)\s*=\s*["']?\s*|<)data:[^\s)]{0,60}""",
    ),
    "an image at such an address can carry a customer's words to whoever owns it": (
        r"!\[[^\]]{0,300}\]\(\s*<?(?:https?:)?//[^\s)?{$\[]{0,500}[?{$\[][^\s)]{0,60}",
        r"""<img\b[^>]{0,300}?src\s*=\s*["']?(?:https?:)?//[^\s"'>?{$]{0,500}[?{$][^\s"'>]{0,60}""",
    ),
}
