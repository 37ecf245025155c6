"""The words that the gate knows: irregular forms, opposites, and those that say little or nothing."""

IRREGULAR = """
used:use using:use uses:use paid:pay sent:send kept:keep chosen:choose chose:choose bought:buy made:make making:make
built:build held:hold lost:lose loses:lose got:get gotten:get gets:get found:find seen:see saw:see sees:see shown:show
went:go gone:go goes:go going:go left:leave took:take taken:take gave:give given:give written:write wrote:write
run:run ran:run running:run began:begin begun:begin broke:break broken:break hidden:hide hid:hide chooses:choose
choosing:choose subscription:subscribe subscriptions:subscribe permission:permit permissions:permit people:person
children:child known:know knew:know meant:mean met:meet read:read said:say told:tell tells:tell thought:think
wore:wear dried:dry drying:dry dries:dry came:come fed:feed led:lead lit:light spent:spend stolen:steal stole:steal
decision:decide choice:choose disabled:disable disabling:disable disables:disable overwritten:overwrite
overwrote:overwrite rewritten:rewrite forgotten:forget forgot:forget spilt:spill worn:wear worth:worth grew:grow
grown:grow fell:fall fallen:fall drove:drive driven:drive froze:freeze frozen:freeze understood:understand set:set
laid:lay losing:lose withdrew:withdraw withdrawn:withdraw reset:reset felt:feel brought:bring caught:catch slept:sleep
stood:stand thrown:throw threw:throw spoken:speak taught:teach sold:sell sought:seek stuck:stick unstuck:unstick
won:win woke:wake woken:wake bound:bind rebuilt:rebuild resent:resend emptied:empty empties:empty tried:try tries:try
copied:copy copies:copy replied:reply replies:reply verified:verify verifies:verify modified:modify
identified:identify denied:deny denies:deny supplied:supply supplies:supply dropped:drop stopped:stop stopping:stop
data:data media:media batteries:battery keys:key safety:safe security:secure safely:safe securely:secure
response:respond responses:respond renewal:renew removal:remove removals:remove arrival:arrive refusal:refuse
approval:approve delivery:deliver deliveries:deliver recovery:recover departure:depart closure:close failure:fail
expiry:expire expiration:expire purchase:purchase reservation:reserve reservations:reserve booking:book bookings:book
payment:pay payments:pay description:describe encryption:encrypt decryption:decrypt extension:extend
replacement:replace assignment:assign usage:use signature:sign sync:synchronise syncs:synchronise synced:synchronise
syncing:synchronise synchronize:synchronise synchronized:synchronise synchronises:synchronise weekday:weekday
weekdays:weekday colour:color colours:color licence:license licences:license centre:center metre:meter enrolment:enrol
enrollment:enrol enrolled:enrol cancelled:cancel canceled:cancel cancelling:cancel cancellation:cancel longer:long
longest:long higher:high highest:high cheaper:cheap cheapest:cheap bigger:big biggest:big loss:lose notify:notif
notified:notif notifies:notif notifying:notif notification:notif notifications:notif carry:carri carried:carri
carries:carri carrying:carri apply:appli applied:appli applies:appli applying:appli store:storag stores:storag
stored:storag storing:storag storage:storag storages:storag rest:remaind proof:prove police:constable carrier:courier
carriers:courier received:receive receiving:receive receives:receive recipient:recipient recipients:recipient
daily:day weekly:week monthly:month yearly:year nightly:night hourly:hour carrying:carry transferred:transfer
transferring:transfer cars:car cares:care stays:stay stayed:stay sits:seat starts:start stars:star covers:cover
recovers:recover recovered:recover access:access accessible:access accesses:access accessed:access cases:case dies:die
needs:need does:do passes:pass passed:pass clears:clear putting:put puts:put letting:let cutting:cut cuts:cut
heard:hear became:become rose:rise risen:rise hung:hang lent:lend lain:lie dealt:deal drew:draw drawn:draw
drawing:draw fitted:fit fitting:fit planned:plan planning:plan shipped:ship shipping:ship split:split splitting:split
swapped:swap swapping:swap tapped:tap tapping:tap typed:type typing:type unplugged:unplug removed:remove moved:move
moves:move moving:move movement:move verification:verify authentication:authenticate identification:identify
notifications:notify modification:modify modifications:modify duplication:duplicate duplicates:duplicate
qualification:qualify redemption:redeem reception:receive receipt:receipt conversion:convert converted:convert
inclusion:include exclusion:exclude deletion:delete deleted:delete retention:retain detection:detect
connection:connect connections:connect selection:select selections:select expansion:expand admission:admit
admitted:admit suspension:suspend comparison:compare analysis:analyse maintenance:maintain explanation:explain
invitation:invite invitations:invite continuation:continue reactivation:reactivate renewals:renew trial:try
proves:prove charged:charge charging:charge lasts:last
"""

OPPOSITES = """
enable activate / disable deactivate
before prior ahead / after afterwards following
more greater above exceed longer / less fewer below under shorter
allow permit accept / block forbid prohibit refuse deny prevent reject
add include attach / remove delete exclude detach
open / close shut
increase raise grow / decrease lower reduce shrink
start begin / stop end
lock locked / unlock unlocked
show visible display / hide hidden invisible
public / private
free / paid charge cost
connect / disconnect
install / uninstall
required mandatory compulsory / optional voluntary
online / offline
minimum least / maximum most
same / different
early earlier earliest / late later latest
upper top / bottom
inside / outside
import / export
upload / download
send / receive
safe / unsafe dangerous
permanent irreversible / temporary reversible
automatic automatically / manual manually
hot warm / cold cool
wet damp / dry
old older oldest / new newer newest
buy / sell
possible able / impossible unable
available present / unavailable missing absent
likely / unlikely
success succeed / fail
full / empty
larger / smaller
fast faster / slow slower
valid / invalid
encrypted / unencrypted
include included / exclude excluded
expand / collapse
easy / hard
keep retain remain / delete erase remove lose vanish discard
keep / lose
with / without
can / cannot
enough sufficient / insufficient
grant / revoke
correct right / wrong incorrect
accept / reject
cheap cheaper / expensive
succeed / fail
always / never
everyone everybody anyone / nobody
all / none
mandatory / optional
internal inside / external outside
first / last
strong / weak
high higher / low lower
rise / fall
front / back rear
left / right
win / lose
increase / decrease
online / offline
subscribe / unsubscribe
tick check / untick uncheck
lock / unlock
block / unblock
mute / unmute
freeze suspend / unfreeze resume
above over / below under underneath beneath
before / after
inbound incoming / outbound outgoing
ascending / descending
upgrade / downgrade
light / dark
fill / empty
continue resume / pause
arrive arrival / depart departure leave
login / logout
public / secret
individual separate / shared common
continue keep / stop cease
waive drop / apply
full / flat
survive remain / lost lose
"""

COMMON_WORDS = """
go goes going see sees seen back along part bit minimum maximum simply soon time times required necessary possible
allowed able supposed single someone somebody anyone anybody people person a an the and or but if then so to of in on
at by for from with as is are was were be been being it its this that these those you your yours we our us i my me he
she they them their his her can could may might must should shall would will do does did done doing have has had
having not no yes there here please also just when where what which who whom whose how all any some than too very up
out into onto over under again once while because until since through during via within without per each every both
either own still yet even well such one other another now only ever never always need needs needed want wants able way
thing things get gets got make makes made let lets happen happens become becomes mean means yourself myself themselves
itself once twice someone's else instead together apart around across along toward towards upon due according
accordingly especially actually really quite rather almost nearly just simply please note tip sorry thanks hello hi
dear regards welcome great sure course indeed example instance following follows etc e.g i.e ie eg via per several
various certain respectively whichever whatever whoever wherever otherwise else besides moreover furthermore
additionally meanwhile afterward hence thus unlike despite like such whether whenever wherever as-is however therefore
though although after before about more most less least first next finally later later afterwards ahead much many lot
long takes take taken come comes there's it's anything something everything somewhere anywhere away ones ensure ensures
already beforehand anyway perhaps maybe moment currently presently whereas unless besides beside respective
"""

LIGHT_WORDS = """
use want sure find go get make need have see look please note simply help case way able work start first like let know
possible still already again own certain new different same thing person other else instead automatically directly
happen become mean keep give take put do try place ensure remember available allow choose pick select click tap open
visit choice set down hold bring turn come stay leave hit exist number code longer regret mark support whole
"""
