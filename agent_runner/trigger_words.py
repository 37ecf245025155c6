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
_IN_A_BOARD = (
    r"(?! (?:columns?|fields?|labels?|boards?|cards?|tags?|tasks?|projects?|templates?|reports?|pages?|articles?))"
)
_ANGRY = r"(?:disappointed|angry|upset|unhappy|dissatisfied|frustrated|fed up|furious)"

ENGLISH: dict[Reason, tuple[str, ...]] = {
    Reason.POLICY: (
        r"(?:kill|hurt|harm)(?:ing)? myself",
        r"suicid(?:e|al)",
        r"end(?:ing)? my (?:own )?life",
        r"want to die",
    ),
    Reason.LEGAL: (
        r"(?:lawyers?|solicitors?)",
        r"attorneys?(?! general'?s? office)",
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
        r"(?:my|our|the) (?:account|workspace) (?:may |might |must |seems to )?(?:was|is|has been|have been|got|been|were|be) (?:hacked|compromised|stolen|taken over|breached)",
        r"hacked (?:into )?(?:my|our) (?:account|workspace)",
        r"(?:i|we)(?:'ve| have)? (?:been|got|was|were) hacked",
        r"(?:someone|somebody)(?: else)?(?: has)? (?:logged|signed|broke|broken|got|gotten) (?:in ?to|into) (?:my|our) (?:account|workspace)",
        r"(?:someone|somebody) (?:else )?(?:has|gained|got) access to (?:my|our) (?:account|workspace)",
        r"(?:data|security) (?:breach|leak|incident)",
        r"(?<!prevent )(?<!against )(?<!avoid )(?<!stop )(?<!block )unauthori[sz]ed (?:access|log-?ins?|charges?|payments?)",
    ),
    Reason.REFUND_REQUEST: (
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
        rf"pric(?:e|es|ing|ey){_IN_A_BOARD}",
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
        r"(?:please |pls |plz |can you |could you |would you |i want you to |i need you to )(?:cancel|delete|close|suspend|reactivate|unlock|merge|upgrade|downgrade|terminate|deactivate) (?:my|our) (?:account|workspace|subscription|plan|membership)(?: for me)?",
        r"(?:i|we)(?: want| would like|'d like| wish) to (?:cancel|terminate) (?:my|our|the) (?:subscription|plan|contract|membership)",
    ),
    Reason.NEGATIVE_SENTIMENT: (
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
