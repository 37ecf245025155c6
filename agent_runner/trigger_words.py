"""The English words of the fixed rules. What each must not catch stands in the tests."""

from tickets.reasons import Reason

_PERSON = (
    r"(?:(?:an?|the|some|your|any|one of your|another|your other) )?"
    r"(?:(?:real|actual|live|human|normal|support|customer (?:service|care|support)|service|damn|bloody|fucking) )*"
)
_SOMEONE = (
    r"(?:humans?(?: beings?)?|persons?|representatives?|rep|agents?|operators?|assistants?|executives?|managers?|supervisors?"
    r"|receptionist|member of (?:your|the) (?:staff|team)"
    r"|(?:somebody|someone)(?! (?:else )?(?:in|on|at|from|outside|who|that|to|i|we)\b)"
    r"|people(?! (?:in|on|at|from|outside|who|that)\b))"
)
_REACH = (
    r"(?:(?:speak|talk|chat|contact|reach)(?:t?ing)?(?: directly)?|(?:connect|transfer|direct|put|pass|get|give|hand|refer)(?:ing)? me(?: through| over)?)"
    r"(?: (?:to|with))?"
)
# Things in the product that may be called like a rule's word: "the refund column", "a price label".
_IN_A_BOARD = r"(?![\"'»”]? (?:columns?|fields?|labels?|boards?|cards?|tags?|tasks?|projects?|templates?|reports?|pages?|articles?))"
_ANGRY = r"(?:disappointed|angry|upset|unhappy|dissatisfied|frustrated|fed up|furious)"

# A law firm writes about itself, and a lawyer is invited like any other guest.
_OUR_TRADE = "".join(
    f"(?<!{words} )"
    for words in (
        "we are",
        "we're",
        "for an",
        "for a",
        "work for",
        "firm of",
        "invite our",
        "invite my",
        "invite a",
        "add our",
        "add my",
    )
)
_NOT_HOW = r"(?![\s\S]{0,300}\b(?:how|where|myself|button|option|can i|possible)\b)"
_MANY = r"(?:two|three|four|five|six|seven|ten|several|many|multiple|countless|so many|a dozen|\d+)"
_ANSWERS = (
    r"(?:answers|replies|responses|e-?mails|mails|messages|tickets|requests(?! to)|suggestions|chats|conversations)"
)
_TOLD = r"(?:writ|wrot|ask|contact|report|tell|told|explain|rais|mail|e-?mail|messag|complain|request|com(?:e|ing) back|open|open(?:ing)? a ticket)\w*"

ENGLISH: dict[Reason, tuple[str, ...]] = {
    Reason.POLICY: (
        r"(?:kill|killing) my ?self",
        r"(?:take|taking) my own life",
        r"(?:don't|do not) want to (?:live|be alive)(?: any ?more)?",
        r"self[- ]harm(?:ing)?",
        r"(?:kill|hurt|harm)(?:ing)? myself",
        r"suicid(?:e|al)(?! (?:prevention|hotline|helpline|charity))",
        r"end(?:ing)? my (?:own )?life",
        r"want to die",
    ),
    Reason.LEGAL: (
        r"(?<!how do i )(?<!how can i )(?<!how to )(?:delete|erase|remove|send me|hand over) (?:all |any )?(?:of )?(?:the )?(?:personal )?(?:data|information) (?:that )?(?:you|tidewater|your company) (?:have|has|hold|store|keep)s?",
        r"hear(?:ing)? from (?:our|my) (?:legal|law)",
        r"(?:subject access|erasure) request",
        r"(?:under|according to|pursuant to|per|in line with|my rights under|invoke|violat(?:es?|ing|ion of)) (?:art(?:icle|\.)? ?\d+ (?:of )?)?(?:the )?(?:eu )?(?:gdpr|ccpa)",
        r"(?:what|which) (?:personal )?(?:data|information) (?:do you|does your company|does tidewater|you) (?:store|hold|have|keep|process|collect) (?:about|on|of) (?:me|us)",
        r"(?:copy|deletion|erasure|removal) of (?:all )?(?:of )?(?:my|our|the) (?:own )?personal (?:data|information)",
        r"(?<!how do i )(?<!how can i )(?<!how to )(?:delete|erase|remove|send me|give me|hand over) (?:all )?(?:of )?(?:my|our) personal (?:data|information)",
        r"(?:withdraw|revoke) my consent",
        r"object to the processing",
        r"(?:hold|held) (?:you|your company|tidewater) (?:liable|legally responsible|accountable)",
        r"(?:claim|seek|demand|sue for) damages",
        r"(?:small claims|see you in|go to|in front of a) court",
        r"cease and desist",
        r"(?:copyright|trademark|patent) (?:infringement|violation)|dmca",
        r"subpoena",
        r"(?:report|reporting|complain|complaint)(?: you| this)?(?: about you)? to (?:the )?(?:data protection|privacy|consumer|supervisory) ",
        rf"{_OUR_TRADE}(?:lawyers?|solicitors?){_IN_A_BOARD}",
        rf"{_OUR_TRADE}attorneys?(?! general'?s? office)",
        r"(?:my|our) legal (?:team|department|counsel|advis[eo]rs?) (?:will|would|says?|said|has|have|advises?|advised|wants?)",
        r"(?:i|we)(?:'ll| will| would| am going to|'m going to| are going to| shall| may| might| could| can| have to)? sue",
        r"(?:to|will|gonna) sue (?:you|your company|them|tidewater)",
        r"suing",
        r"lawsuits?",
        r"legal (?:action|steps|proceedings|claims?|measures|consequences)",
        r"(?:this is a|a formal|a final) legal notice",
        r"(?:take|taking|see) (?:you|this|them) (?:to|in) court",
        r"(?:in )?breach of (?:contract|the agreement)",
        r"gdpr (?:request|complaint|erasure)",
        r"(?<!how do i )(?<!how can i )(?<!how to )(?:delete|erase|remove|send me|hand over) all (?:of )?(?:my|our) (?:personal )?data",
        r"right to (?:be forgotten|erasure)",
        r"(?:complain to|report you to) the (?:data protection|consumer|ombudsman|regulator)",
        r"data (?:subject|protection) (?:access )?(?:request|authority|officer)",
    ),
    Reason.SECURITY: (
        r"(?:received|got|getting|receiving) (?:an? |this |several )?(?:phishing|scam|fake) (?:e-?mails?|mails?|messages?)",
        r"(?:found|discovered|report|reporting)[^.?!\n]{0,20} (?:xss|sql injection|csrf|exploit)",
        r"(?:log-?in|session|sign-?in|device)[^.?!\n]{0,30} (?:isn't|is not|wasn't|was not) (?:mine|me|ours|us)",
        r"(?:password )?reset[^.?!\n]{0,20} (?:i|we) (?:did not|didn't|never|have not|haven't) (?:request|ask)\w*",
        r"(?:api )?(?:tokens?|keys?|passwords?|credentials) (?:was|were|has been|have been|got|is|are) (?:leaked|stolen|exposed|compromised|published)",
        r"(?:stole|leaked|is using|has stolen) (?:my|our) (?:password|api token|token|api key|credentials|account)",
        r"(?:found|report|reporting|discovered|disclose) (?:an? |this )?(?:critical |serious )?(?:security )?(?:vulnerability|security (?:hole|flaw|issue|bug|problem))",
        r"(?:see|sees|seeing|shows?|shown|access to|access) (?:me |us )?(?:the )?(?:data|projects|files|tasks|boards|invoices) (?:of|from) (?:another|other|a different|some other) (?:customers?|compan(?:y|ies)|workspaces?)",
        r"(?:another|other|a different) (?:customer|company|workspace)'s (?:data|projects|files|tasks|boards|invoices)",
        r"(?:i|we) (?:do not|don't|did not|didn't) recogni[sz]e (?:this|that|the|these|a|some) (?:log-?in|sign-?in|session|device)s?",
        r"(?:log-?ins?|sign-?ins?|sessions?|devices?)(?: that| which)? (?:(?:is|was|are|were) not (?:me|mine|ours|us)|(?:i|we) (?:do not|don't) recogni[sz]e)",
        r"(?:someone|somebody)(?: else)? (?:is using|uses|used|changed|has changed|took over|has taken over) (?:my|our) (?:account|password)",
        r"(?:my|our|the) (?:account|workspace) (?:may |might |must |seems to )?(?:was|is|has been|have been|got|been|were|be) (?:hacked|compromised|stolen|taken over|breached)",
        r"hacked (?:into )?(?:my|our) (?:account|workspace)",
        r"(?:i|we)(?:'ve| have)? (?:been|got|was|were) hacked",
        r"(?:someone|somebody)(?: else)?(?: has)? (?:logged|signed|broke|broken|got|gotten) (?:in ?to|into) (?:my|our) (?:account|workspace)",
        r"(?:someone|somebody) (?:else )?(?:has|gained|got) access to (?:my|our) (?:account|workspace)",
        r"(?:data|security) (?:breach|leak|incident)",
        r"(?<!prevent )(?<!against )(?<!avoid )(?<!stop )(?<!block )unauthori[sz]ed (?:access|log-?ins?|charges?|payments?)",
    ),
    Reason.REFUND_REQUEST: (
        r"overcharged",
        r"(?:charged|billed|debited) (?:me |us )?(?:by mistake|by accident|wrongly|incorrectly|too much|in error|after (?:i|we) cancel\w*)",
        r"(?:took|taken|withdrew|withdrawn|deducted|debited) (?:the |my |our )?(?:money|payment|amount|fee)?(?: from my (?:card|account))? ?twice",
        r"(?:return|give back|pay back|send back) (?:me )?(?:the|my|our) (?:payment|money)",
        rf"refunds?{_IN_A_BOARD}",
        r"refunded",
        r"refunding",
        r"reimburse(?:d|ment)?",
        r"(?:my|our|the) money back",
        r"charge ?backs?",
        r"(?:charged|billed) (?:me |us )?(?:twice|double|again)",
        r"double[- ](?:charged|billed)",
    ),
    Reason.PRICING_INQUIRY: (
        rf"(?:what(?:'s| is| are| would be)|tell me|know) the (?:total |exact |annual |monthly )?(?:costs?|fees?|rates?){_IN_A_BOARD}",
        r"(?:what|how much) (?:\w+ ){1,4}costs?(?= (?:per|a|annually|monthly|yearly|us|for)\b|[ ?!.]*(?:\n|$))",
        r"(?:promo(?:tion|tional)?|coupon|voucher|discount) codes?",
        r"(?:better|special|good) deal (?:if|for|on|when)",
        r"(?:your|the) (?:quote|offer) (?:is|seems|was) (?:too |very |so )?(?:high|expensive)",
        r"(?:send|get|give|want|need|needs|have|request|like|make)(?: me| us| you)? (?:a|your best) (?:quote|quotation)",
        r"quotation for",
        # "Does the invoice show the price" is about the product, "what is the price" is about us.
        rf"(?<!shows the )(?<!show the )(?<!hide the )(?<!sort by )pric(?:e|es|ing|ey){_IN_A_BOARD}",
        rf"discounts?{_IN_A_BOARD}",
        r"how much (?:does|do|is|are|would|will|for)(?! (?:space|time|data|memory|storage))[^.?!]{0,60}(?:cost|pay|plans?|licen[cs]es?|seats?|subscription|per month|a month|per year|a year|per user)",
        r"how much(?=[ ?!.]*(?:\n|$))",
        r"(?:costs?|pay) (?:per|a|each) (?:month|user|seat|year)",
        r"(?:monthly|yearly|annual|hidden|extra) (?:fees?|costs?|charges?)",
        r"(?:cheaper|cheapest|less expensive) (?:plan|option|subscription|tier|version)",
        r"too expensive",
        r"how expensive",
        r"what (?:does|do|would|will) (?:it|this|that|the \w+ plan|(?:more|extra|additional) (?:seats?|users?)) cost",
        r"(?:send|get|give|want|need|have|request) (?:me |us )?a quote",
    ),
    Reason.ABUSE: (
        r"screw you",
        r"shut up",
        r"dumb(?:ass)? (?:bot|company|people|machine|idiots?)",
        r"(?:you|u) (?:guys|people|lot|folks) (?:are |r )(?:all )?(?:such )?(?:a bunch of )?(?:idiots?|morons?|useless|incompetent|scammers?|liars?|thieves|crooks|pathetic|stupid)",
        r"(?:mother)?fuck\w*",
        r"wtf",
        r"(?:bull)?shit(?:ty)?",
        r"assholes?",
        r"arseholes?",
        r"bastards?",
        r"(?:you|you're|u|ur)(?: all)?(?: are)?(?: all)?(?: such)?(?: just)?(?: a(?:n)?)?(?: bunch of)? (?:stupid|idiots?|morons?|useless|incompetent|scammers?|liars?|thieves|crooks|pathetic)",
        r"(?:bunch|pack) of (?:idiots|morons|scammers|liars|thieves|crooks|clowns)",
        r"stupid (?:idiots?|company|people|bot|support)",
        r"piece of (?:shit|crap|garbage|junk)",
        r"(?:i will|i'll|i am going to|i'm going to) (?:find|hurt|kill) (?:you|someone|somebody)",
        r"(?:go to|burn in) hell",
    ),
    Reason.CUSTOMER_REQUEST: (
        r"real (?:person|human)s?,? (?:please|pls|now)",
        r"(?:want|need) an? (?:real |actual |live )?(?:person|human)(?=[ .!,]*(?:\n|$)|[.!,]| (?:to (?:help|answer|look|call|read)|not|instead))",
        r"(?:someone|somebody|anyone) (?:from|in|at|on) your (?:\w+ )?(?:team|company|side|staff|office)",
        r"have (?:someone|somebody) (?:call|contact|phone|ring|e-?mail) (?:me|us)",
        r"escalate (?:this|it|my (?:case|ticket|issue|complaint|request|problem)|the (?:case|ticket|issue))(?! (?:task|card|column))",
        r"(?:speak|talk|chat|connect me|transfer me|put me through|pass me|forward me|direct me)(?:ing)?(?: directly)? (?:to|with|on to) (?:the|your|a|an|my)? ?(?:(?:billing|sales|support|customer|technical|accounts?|service|human) )*(?:boss|department|reception|front desk|support|sales|management|team lead|expert|specialist|technician|staff|employee|team)(?! (?:in|of|channel|project|board|who|that|members?)\b)",
        r"(?:have|arrange|schedule|book|get) a (?:phone )?call (?:with (?:your|the|a|an|someone|somebody)|back)",
        r"(?:want|need|help|trying|like)[^.?!\n]{0,25} (?:live|human|real) (?:agent|person|human being)",
        r"(?:not|n't)[^.?!\n]{0,60} (?:with|to) an? (?:machine|(?:chat)?bot|robot|computer)(?! (?:user|account|in|that))",
        r"(?:wasting|waste) (?:my )?time with a (?:machine|(?:ro|chat)?bot)",
        r"transfer to me an? (?:live |human |real )?(?:agent|person|human)",
        r"(?:direct|connect) to me (?:to )?an? (?:live |human |real )?(?:agent|operator|assistant|person|human)",
        r"(?:ring|phone) me(?= (?:on|at|back|up|today|tomorrow|please|under|asap|before|after)\b|[.!])",
        rf"{_REACH} {_PERSON}{_SOMEONE}",
        rf"(?:want|need|like|prefer|get|is there|are there)(?: to (?:speak|talk|chat)(?: to| with)?)? {_PERSON}(?:human(?: being)?|real person|representative|(?:live|human|support) agent|operator|manager)",
        r"need an agent",
        r"(?:get|put) (?:me )?(?:your|a|the) (?:manager|supervisor) on the (?:line|phone)",
        r"get someone(?: else)? on the (?:line|phone)",
        r"(?:is|are) (?:there|you) (?:an?|any) (?:real |actual )?(?:human|person)s?",
        r"(?:am i|i am|i'm) (?:talking|speaking|writing) (?:to|with) a (?:ro)?bot",
        r"(?:don't|do not) want (?:to (?:talk|speak|chat) (?:to|with) )?(?:you|an?|the|this|your)? ?(?:(?:ro)?bot|machine|ai|you)",
        r"(?:no|stop the) (?:more )?(?:ro)?bots?(?=(?: please)?[ .!,]*(?:\n|$)|[.!,])",
        r"(?:speak|talk|rather have) [^.?!]{0,40}not (?:to |with )?a (?:ro)?bot",
        r"call me back",
        r"(?:please|can you|could you|someone|somebody) call me(?! by)",
        r"call me (?:asap|today|tomorrow|now|on my|under|at \+?\d)",
    ),
    Reason.ACCOUNT_ACTION: (
        rf"^(?:(?:hi|hello|hey|dear \w+)[,.! ]+)?(?:cancel|close|delete|terminate|deactivate|suspend|unlock|downgrade) (?:my|our) (?:account|workspace|subscription|plan|membership){_NOT_HOW}",
        rf"(?<!if )(?<!when )(?<!before )(?:i|we)(?:'d like| want| would like| need| wish) to (?:close|delete|terminate|deactivate) (?:my|our) (?:account|workspace){_NOT_HOW}",
        r"(?:please |pls |plz |can you |could you |would you |will you |i want you to |i need you to |kindly )(?:transfer|change|hand over|assign) (?:me )?(?:the |our |my )?(?:workspace )?owner(?:ship)?",
        r"(?:please |pls |plz |can you |could you |would you |will you |i need you to |kindly )(?:reset|remove|disable|turn off|switch off) (?:my|our|the) (?:two-step verification|2fa|authenticator|two-factor authentication)(?! (?:app|in))",
        r"(?:close|delete|terminate|cancel) (?:my|our) (?:account|workspace|subscription|membership)(?=,? (?:please|immediately|now|right away|asap|as of|effective)\b)",
        r"(?:i|we) (?:want|would like|need) (?:my|our) (?:account|workspace|subscription) (?:to be )?(?:closed|deleted|cancelled|canceled|terminated|merged|unlocked)",
        r"(?:please |can you |could you )(?:merge|unite) (?:my|our|these|the|both) (?:two )?(?:accounts|workspaces)",
        r"(?:please |pls |plz |can you |could you |would you |i want you to |i need you to )(?:cancel|delete|close|suspend|reactivate|unlock|merge|upgrade|downgrade|terminate|deactivate) (?:my|our) (?:account|workspace|subscription|plan|membership)(?: for me)?",
        r"(?:i|we)(?: want| would like|'d like| wish) to (?:cancel|terminate) (?:my|our|the) (?:subscription|plan|contract|membership)",
    ),
    Reason.NEGATIVE_SENTIMENT: (
        r"(?:second|third|fourth|fifth|sixth|seventh|tenth|\d+(?:nd|rd|th)) time (?:asking|writing|contacting|reporting|telling|explaining)",
        rf"already {_TOLD} (?:you |this |it |support |about )*(?:twice|{_MANY} times)",
        r"(?:your|the|this) (?:customer )?(?:support|service|bot|company|help|product) is (?:absolutely |completely |totally |just )?(?:useless|terrible|awful|horrible|rubbish|disgusting|worthless)",
        r"(?:had|have) (?:had )?enough of (?:this|you|it|your)",
        r"(?:i'm|i am|we're|we are) done with (?:you|tidewater|your company|this company)",
        rf"(?:second|third|fourth|fifth|sixth|seventh|tenth|umpteenth|hundredth|\d+(?:nd|rd|th)) time(?: now)?(?: that)?,? (?:i|we)(?:'m|'re|'ve| am| are| have| had)?(?: to| now| already)? {_TOLD}(?! (?:an?|the|my) (?:comment|note|rule|task|card|project|board|file|app))",
        r"(?:second|third|fourth|fifth|sixth|seventh|tenth|\d+(?:nd|rd|th)) (?:e-?mail|message|ticket|request|complaint|reminder)(?: (?:about|on|for|regarding|i|we|and)\b)",
        rf"(?:still|nothing|yet)[^.?!\n]{{0,40}} after {_MANY} (?:\w+ )?{_ANSWERS}",
        rf"after {_MANY} (?:\w+ )?{_ANSWERS}[^.?!\n]{{0,40}} (?:still|nothing|no closer|not)",
        rf"(?:i|we)(?:'ve| have| had)?(?: already| now)? {_TOLD} (?:(?:you|this|that|it|support|about|the|same|thing|problem) ){{0,5}}(?:already )?(?:{_MANY} times|thrice|twice (?:now|already|and))",
        r"how (?:many times|often) (?:do|must|should|will) (?:i|we)(?: have to| need to)? (?:explain|ask|write|tell|report|repeat|say)",
        r"(?:keep|keeps) (?:sending|giving|getting) (?:me |us )?(?:back )?the same (?:\w+ )?(?:answer|reply|article|link|response)",
        r"(?:none|neither|not one) of your (?:answers|replies|suggestions|tips|articles) (?:has |have )?(?:help|work|fix|solv)\w*",
        r"(?:nobody|no one|no-one) (?:ever )?(?:answers|replies|responds|answered|replied|has (?:answered|replied|responded)|is (?:answering|helping))(?: to)? (?:me|us|my|our)",
        r"(?:i am|i'm|we are|we're) (?:losing|running out of) (?:my |our )?patience",
        r"(?:sick|tired) of (?:this|your|waiting|asking|explaining|repeating|the same)",
        rf"(?:extremely|very|really|so|deeply|beyond|absolutely|incredibly|highly) {_ANGRY}",
        rf"{_ANGRY} and {_ANGRY}",
        r"(?:i am|i'm|we are|we're) (?:furious|livid|outraged|disgusted|fed up|sick of|sick and tired)",
        r"(?:worst|most useless) (?:\w+ )?(?:app|product|service|software|support|company|experience|tool|program)(?: ever)?",
        r"(?:i|we) (?:really |absolutely |just |fucking )?hate (?:it|this|you|your \w+|tidewater)",
        r"(?:is|are|absolutely|completely|totally|utterly|so|just) (?:ridiculous|unacceptable|outrageous|disgraceful|a disgrace|pathetic|appalling|a joke|garbage)",
        r"(?:nobody|no one|no-one) (?:cares|gives a damn)",
        r"(?:total |complete |huge |utter )?waste of (?:my |our )?(?:time|money)",
        r"(?:terrible|horrible|awful|lousy|pathetic|disgusting) (?:customer )?(?:service|support|product|experience|app|company|treatment)",
        r"(?:never|not) (?:use|buy|pay for|recommend) (?:this|your) (?:app|product|service|software|company) again",
    ),
}
