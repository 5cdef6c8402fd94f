"""The words that say phone before a number, in thirty languages, as patterns for RE2."""

from typing import Final

from .detector import OTHER


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ENDING: Final = f"[a-z{OTHER}]*"

STRONG: Final = (
    "phones?|telephones?|mobile|cell(?:phone)?|tel|fax|whatsapp|sms|hotline|dial|answering at"
    "|(?:call|ring|text|reach) (?:me|us|him|her|them)(?: back)?(?: on| at)?"
    "|(?:call[ -]?back|contact) (?:number|no|phone)|best number|number to call|my digits|landline|switchboard|helpline"
    "|toll[ -]?free|(?:ph|mob)(?:[.:]| no)"
    # German, Dutch, Scandinavian, Hungarian and other compounds
    "|(?:telefon|telefoon|mobil|handy|tel|gsm|festnetz|rückruf)-?"
    "(?:nummer(?:et|n)?|numre?t|nr|sz[áa]ma?|num)"
    "|telefon(?:nummer|a|u|um|o|ul|en)?|handy|mobil(?:en|ul)?|festnetz|rufnummer|rückruf|erreichbar unter|ruf mich an"
    "|t[ée]l(?:[ée]phone)?|portable|appelez|mon fixe|joignable au|(?:me|nous) joindre au|contactez[ -](?:moi|nous) au"
    "|tel[ée]fono|m[óo]vil|celular|ll[áa]mame|ll[áa]meme|ll[áa]m[ae] al|m[áa]rcame|mi (?:celu?|fijo|tel|whats)"
    "|telefone|telem[óo]vel|ligu?[ea](?:r|me)?|meu (?:cel|tel|zap|whats)|no zap"
    "|cellulare|chiam(?:a|ami|are|ate)|mio cell|recapito telefonico"
    "|telefoon|gsm|mobiele?|mobieltje|bel|bereikbaar op|cep|telefonum|aray[ıi]n|ben[iı] ara"  # noqa: RUF001 - Turkish
    rf"|тел|телефон{_ENDING}|моб(?:ильн{_ENDING})?|сотов{_ENDING}|сот[.:]|(?:по)?звон{_ENDING}|дзвон{_ENDING}|набери|ватсап|вотсап"
    r"|τηλ|τηλέφων|τηλεφών|κινητ(?:ό|ού|ά|ών)|κιν[.:]|καλέστε"
    "|फ़ोन|फोन|मोबाइल|दूरभाष|व्हाट्सएप|कॉल कर|ফোন|মোবাইল|هاتف|جوال|موبايل|تليفون|واتساب|اتصل|محمول|تلفن|موبایل|فون|טלפון"
    rf"|נייד|tlf|puh(?:elin)?|puhelinnumero(?:ni|mme)?|kännykkä|soita|zavolej{_ENDING}|vol[ae]jte|telef[óo]nne?"
    rf"|(?:za)?dzwoń{_ENDING}|komórk{_ENDING}|kom\.|nr kom|fono|tfno|hívj{_ENDING}|mobitel|nazovi(?:te)?"
    r"|telp|telepon|ponsel|(?:no|nomor)\.? ?(?:hp|wa)|(?:hp|wa) saya|hubungi|gọi|sđt"
    "|điện thoại|di động|zalo|liên hệ|sun[ăa]|ring (?:m[ei]g|oss?)|nås på"
    "|(?:my|his|her|our|their|your)(?: new| phone| work)? number|meine (?:neue )?nummer|mon (?:nouveau )?num[ée]ro|mi n[úu]mero"
    "|mio numero|meu n[úu]mero|mijn nummer|mój numer|мой номер|мій номер|numaram|mitt nummer|mit nummer|nummeret mitt|numeroni"
    "|moje číslo|मेरा नंबर|mera (?:naya )?(?:number|nambar|no\\.)|हेल्पलाइन|msisdn|caller[ _]?id|wa[._](?:me|id)"
    "|(?:contacte[rz]|joindre|appele[rz]|rappele[rz])(?:[ -](?:moi|nous))? au|service client"
    "|(?:ll[áa]ma[rd]?|avis[ae]d?|localizar|contacta[rd]?|marca[rd]?)(?:me|nos|le|se)? (?:al|en el)|mi m[óo]vil"
    "|comun[ií]ca(?:te|rse)"
    "|contatta(?:re|te|ci|mi|temi|teci)? (?:al|il)|rispondo (?:sempre )?al|me manda um (?:whats|zap)|mensagem pro|o fixo"
    rf"|пере(?:звон|набер){_ENDING}|контакты|смс на|связаться"
    rf"|dzwoni[ćc]|oddzwo[nń]{_ENDING}|smsa? na|infolini[aię]|z[łl]apać pod"
    r"|app me|bereikbaar via|når mig på|κάλεσ(?:έ|ε|τε)|שלי|הטלפון"
    "|(?:ال|بال)(?:هاتف|جوال|موبايل|تليفون|واتساب|محمول)|واتس|كلمني|رقمي|راسلني|ابعتلي|شماره|নম্বর"
)
"""After these even a plain run of digits is a phone number."""
WEAK: Final = (
    "call(?:s|ed|ing)?|conta[ct]?to|contact|kontakt|recapito|number|messages? to|reach|desk|office|registered|nummer"
    rf"|num[ée]ro|n[úu]mero|numara(?:m|s[ıi])?|номер{_ENDING}|नंबर|संपर्क|ring|cel[.:]|comun[ií]quese|numer|durchwahl|iletişim|(?:ال)?رقم"  # noqa: RUF001 - Turkish, Russian
)
"""After these groups of digits are one, but a plain run may be anything, unless it begins as phone numbers do."""
UNSPACED: Final = (
    "电话|電話|手机|手機|携帯|致电|连络|联系|联络|番号|전화|휴대폰|핸드폰|연락처|번호|문의|상담|微信|热线|熱線|咨询|拨打"
    "|撥打|座机|固话|連絡先|号码|號碼|新号|打给|โทร|เบอร์|☎|☏|📞|📱"
)
"""Of scripts without spaces: no boundary is asked for."""
NUMBERED: Final = _words(
    """
    account article batch bill booking card case catalog catalogue chapter claim contract customer document employee flight
    invoice issue item job licence license lot member membership model order page parcel part patent patient permit policy
    product purchase receipt reference registration reservation serial shipment student ticket tracking transaction volume
    ऑर्डर ग्राहक sipariş müşteri fatura takip bestel klant factuur
    """
)
NUMBERED_UNSPACED: Final = tuple(
    _words("注文 伝票 会員 会员 予約 追跡 订单 訂單 运单 客户 发票 单 流水 账 帐 주문 송장 회원 예약 고객"),
)
NUMBERED_BEHIND: Final = (
    "commande|facture|client|dossier|suivi|colis|contrat|compte|pedido|factura|cliente|seguimiento|expediente|cuenta|fattura"
    "|ordine|pratica|conto|nota|klienta|zam[óo]wienia|faktury|przesy[łl]ki|umowy|konta|заказа|сч[её]та|договора|клиента"
    "|накладной|отправления|الطلب|الفاتورة|العميل|الحساب"
)
"""What else has numbers, before and behind the word: orders, customers and the like."""
OF: Final = "(?:de |d'|del? |da |do |di |van |von )?(?:la |le |el |il |l')?"
"""Between the word for number and what has one."""
