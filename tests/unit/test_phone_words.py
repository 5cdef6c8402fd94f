"""Words that say phone before a number without any form of its own, in many languages; and words that only look so."""

import re

import pytest

from langtrail.processors.redact import redact_text

# ruff: noqa: RUF001 - Cyrillic and Greek are meant

IS_ONE = """
mi cel es «5512345678»
mi cel: «55 1234 5678»
mi celu es «1122334455»
márcame al «5512345678»
mi whats es «5512345678»
mi fijo es «912345678»
teléfono fijo «912345678»
llama al «612345678»
llame al «612 34 56 78»
tlf «612345678»
Tfno. «912345678»
meu zap é «11912345678»
meu cel «11912345678»
me liga no «11912345678»
ligue para «11912345678»
contato: «11912345678»
mon portable c'est «612345678»
mon fixe: «142345678»
joignable au «612345678»
me joindre au «612345678»
contactez-moi au «612345678»
recapito telefonico «3471234567»
recapito telefonico: «347 1234567»
mio cell «3471234567»
chiamare il «3471234567»
Handynr. «15112345678»
Tel.-Nr. «3012345678»
Telefonnr. «3012345678»
Mobilnr.: «15112345678»
Festnetz «3012345678»
erreichbar unter «15112345678»
ruf mich an: «15112345678»
Rückrufnummer «3012345678»
mobiele nummer «612345678»
mijn mobieltje «612345678»
bereikbaar op «612345678»
telnr «201234567»
telefoonnr. «201234567»
kom. «512345678»
nr kom. «512345678»
tel. kom. «512 345 678»
nr tel «512345678»
numer telefonu «512345678»
volejte «777123456»
volejte na «777 123 456»
telefonní číslo «777123456»
volajte «905123456»
telefónne číslo «905123456»
mobilnummeret mitt er «41234567»
mobilnummeret «41234567»
mobilnr «41234567»
mobilnr. «41 23 45 67»
ring meg på «41234567»
ring mig på «41234567»
telefonnummeret er «22334455»
mobilen min er «41234567»
mobilnumret «701234567»
telefonnumret är «701234567»
nås på «701234567»
puhelinnumero «401234567»
puhelinnumeroni on «401234567»
kännykkä «401234567»
κιν. «6912345678»
κιν: «6912345678»
Κιν. «6912345678»
καλέστε «2101234567»
αριθμός κινητού «6912345678»
τηλέφωνό μου «2101234567»
nomor HP «81234567890»
nomor hp saya «81234567890»
hp saya «81234567890»
nomor WA «81234567890»
no wa «81234567890»
nomor ponsel «81234567890»
nombor telefon «123456789»
call back number «4155552671»
callback number: «4155552671»
call-back no. «4155552671»
contact number «4155552671»
contact no. «4155552671»
best number to reach me is «4155552671»
the best number for me is «4155552671»
landline «2079460958»
ph: «4155552671»
Ph. «4155552671»
ph no «4155552671»
mob: «7911123456»
Mob. «7911123456»
mob no. «7911123456»
switchboard «2079460958»
helpline «8001234567»
toll-free «8001234567»
toll free: «8001234567»
number to call is «4155552671»
beni ara «5321234567»
cep tel «5321234567»
сот. «9161234567»
набери «9161234567»
ватсап «9161234567»
мой тел «9161234567»
اتصل على «512345678»
محمول «512345678»
تلفن «912345678»
موبایل «9123456789»
कॉल करें «9876543210»
मोबाइल नंबर «9876543210»
ফোন «1712345678»
মোবাইল নম্বর «1712345678»
请拨打«13812345678»
座机«62345678»
連絡先は«9012345678»
zalo «912345678»
liên hệ «912345678»
telefonszám: «301234567»
mobilszám «301234567»
telefonul meu «721234567»
mobitel «911234567»
nazovi «911234567»
mob. «911234567»
my digits are «4155552671»
SMS sent to «4155552671»
phone for users: «8001234567»
our phone lines: «0800 123 4567»
phone bill for «4155552671»
mobile (home): «4155552671»
phone home «4155552671»
Telephone sales: «08001234567»
Tel sales «02071234567»
phone sales: «8005551234»
WhatsApp app: «5511987654321»
mobile app number: «9876543210»
phone number sent «4155552671»
SMS messages: «9876543210»
text us «4155552671» messages and data rates may apply
call for price: «22 33 44 55»
call for options «030 901820»
mera number «9876543210» hai
msisdn=«447700900123»
https://wa.me/«447700900123»
contacter au «0 825 12 34 56»
¿Me puedes llamar al «655 443 322»?
avisadme al «666 12 34 56»
el fijo de casa es «976.12.34.56»
contattatemi al «3209876543»
me manda um whats: «(48) 9 9123-4567»
Contato: João «21987654321»
Proszę dzwonić: «600 700 800»
oddzwoń na «66 77 88 999» dzięki
infolinia «801 123 456»
перезвоните: «8(812)3456789»
контакты: «8 495 1234567»
Домашний «8 (343) 234-56-78»
так «8-916-123-45-67»
app me maar, «0612345678»
رقم الجوال «٠٥٠١٢٣٤٥٦٧»
رقم التواصل «0561234567»
شماره من «۰۹۱۲۱۲۳۴۵۶۷»
হ্যালো নম্বর «০১৭১২৩৪৫৬৭৮»
הטלפון שלי «0541234567»
เบอร์มือถือ «0812345678»
你存一下我的新号码 «１３８１２３４５６７８»
打«13912345678»找我
有问题加我 «186-0000-1234»
至急«09012345678»にご連絡ください
«01012345678»로 전화 주세요
📱 «0551234567»
Any problems, «07700900455». Cheers
Der Hausmeister hat die «0151-23456789»
Bei Rückfragen: «040 / 22 33 44 55»
telefonisch bereikbaar via «06 - 12 34 56 78»
unter der «030/12345-678».
हेल्पलाइन «1800-123-4567»
contact «07700900982»
numéro : «0623456789»
""".strip("\n").split("\n")
"""One a line; the number is marked."""

IS_NONE = """
Telephone poles: 12345678
telephone poles installed: 12345678
Call option strike 4150 5550 2671
call option 4150 5550 2671
call options: 1234567 8901234
call spread 4150 5550 2671
call strike 4150-5550-2671
call volume 1234 5678 9012
call price 1234 5678 9012
Phone cases sold: 12345678
phones sold: 12345678
phones shipped: 12345678
mobile homes: 1234567
cell culture 12345678
cell count: 12345678
mobile app downloads: 12345678
mobile users: 12345678
mobile subscribers 12345678
mobile phone shipments: 12345678
mobile traffic 12345678 bytes
mobile devices: 12345678
cell towers: 12345678
cell tower 12345678
SMS sent: 12345678
SMS messages sent: 12345678
fax machines sold 1234567
phone models: 12345678
telephone booths: 12345678
telephone exchanges: 12345678
WhatsApp users: 12345678
mobile subscribers: 1200000000
WhatsApp messages: 12345678
portable chargers sold: 12345678
call duration 1234 567 890
komputer 12345678
kommune 12345678
HP: 1000000
HP LaserJet 12345678
pH 7.1234567
ph 12345678
mob 1234567 killed
mobs: 1234567
cel 1234567
celsius 12345678
zap 1234567
fixe 1234567
fijo 1234567
the callback took 12345678 ns
callback: 12345678
callbacks 1234567
callback=0x12345678
number of calls 1234567
best numbers: 1234567
landlines: total of 1234567
сотни 1234567
сотня: 1234567
κινδύνους 1234567
κίνηση 12345678
αριθμός κινητήρα 12345678
κινητική ενέργεια 1234567
wa 1234567
WA: 98101-1234
hp 1234567
telegram 12345678
telemetry 12345678
telephoto 12345678
mobility 12345678
mobilize 12345678
fonds 12345678
digits: 12345678
contact 12345678
contact id 12345678
kontakt 12345678
recapito 12345678
liên 12345678
telnet 12345678
contact lens 1234 567 890
order number 4155552671
订单号码 12345678
the phone: 12345678 units
Invoice number 2024-001-2345
Tracking number: 7712 3456 7890
Customer number 100-4711-22
Numéro de commande 123 456 789
número de pedido 123 456 789
numer klienta: 123 456 789
Номер заказа 123 456 789
伝票番号：4012-3456-7890
会员号码是 1234 5678
订单号 18600001234
注文 09012345678 です
송장번호 1234-5678-9012
رقم الطلب 123 456 789
ऑर्डर नंबर 123-456-789
J. Chem. Phys. 98 (1993) 5648-5652
Cell 181 (2020) 271-280
doi:10.1016/j.cell.2020.02.052
GSM 850/900/1800/1900
device=mobile, sessions=1234567
手机销量12345678台
Microsoft Office 16.0.17328.20162
row 1 666 12 34 56 of the table
id=07700900455
number 0012345678
""".strip("\n").split("\n")
"""One a line; each has a number that is none."""

MARKED = re.compile("«([^»]*)»")


@pytest.mark.parametrize("line", IS_ONE)
def test_a_number_goes_after_a_word_for_phone(line: str) -> None:
    """All of it and nothing else, and redacting again changes nothing."""
    redacted = redact_text(MARKED.sub(r"\1", line)).text
    assert redacted == MARKED.sub("[PHONE]", line)
    assert redact_text(redacted).text == redacted


@pytest.mark.parametrize("line", IS_NONE)
def test_a_number_of_something_else_stays(line: str) -> None:
    """What is counted, traded or measured is no phone number, whatever stands before it."""
    assert redact_text(line).text == line
