"""The words that names of fields are made of: which say that the value is a secret or personal, and which only look so."""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


SECRET: Final = _words(
    """
    password passwd passwort kennwort passphrase passcode pwd psw secret senha contrasena contraseña wachtwoord credential creds
    mot_de_passe authorization connection_string connection_uri conn_str dsn sas_url kubeconfig htpasswd
    lösenord losenord hasło haslo adgangskode parola psk bindpw rootpw root_pw storepass keypass
    pswd psswd pswrd psword paswd paswrd pasword passwrd passord secrete mdp requirepass masterauth redis_auth
    adminpass dbpass ftppass mailpass mypass mysqlpass pgpass redispass rootpass smtppass sshpass userpass
    auth_salt logged_in_key logged_in_salt nonce_key nonce_salt
    пароль 密码 密碼 パスワード 비밀번호
    """
)
"""A field with one of these in its name holds a secret, unless its last word is one of ABOUT."""

SECRET_SUFFIXES: Final = (
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "apikey",
    "secretkey",
    "accesskey",
    "privatekey",
    "authtoken",
)
"""The same at the end of a word that is written together."""

SECRET_KEYS: Final = _words(
    """
    access account admin aes api app application auth bot client consumer crypto decryption deploy encryption functions hmac
    integration jwt kms licence license master merchant private root rsa secret security server service shared signing ssh
    subscription vault wallet webhook
    """
)
"""The same, followed by `key`."""

SECRET_TOKENS: Final = _words(
    """
    access admin api app auth authentication authorization bearer bot ci csrf deploy device discord github gitlab id jwt login
    npm oauth oauth2 personal private push pypi refresh registration registry reset sas secret security service session slack
    telegram user vault verification web xsrf
    """
)
"""The same, followed by `token`."""

VAGUE: Final = _words("token key auth signature sig nonce hmac seed mnemonic")
"""A field whose name ends in one of these holds a secret if its value looks random."""

NOT_VAGUE: Final = _words(
    """
    answer arrow blob cache child col column composite config cursor dict down file foreign group hash history hot i18n
    idempotency index input language locale lookup map memory message metadata natural object order output parent partition
    plate press primary project prompt public range routing row run s3 session shortcut sort span state surrogate thread trace
    translation uniq unique up

    audio begin bos cached cancellation cls completion continuation end eos first image last mask max min n next num number pad
    page per prev previous reasoning resume scroll sep special start stop sync text think total unk unknown
    """
)
"""Unless one of these comes before: keys of tables, and the tokens that models count."""

ABOUT: Final = _words(
    """
    age algorithm arn at attempts audience authentication backend budget changed count counts date decision description details
    dir disabled enabled encoder encryption endpoint error errors exception exceptions expiration expired expires expiry field
    file filename folder format generator has hasher hashing hint hints id ids index is issuer label len length limit limits
    location logprob logprobs manager max method min mismatch mode name names offset parameter path placeholder policies policy
    position prefix prompt provider question reason ref required reset rule rules schema scope scopes size state status strength
    success suffix supported time ttl type types uri url usage valid validation validator validators variable variables version
    """
)
"""A field whose name ends in one of these speaks about a secret; it does not hold one."""

PLACED: Final = _words(
    """
    branch build bucket cluster commit digest domain host image job model node org pop project region release repo server sha
    team ticket url version zone
    """
)
"""What the names of vendors go on with where the value is a place or a state, and no key."""

GENERIC: Final = _words(
    "confirm confirmation current data encrypted field header input new old param plain raw str string text value values"
)
"""Words at the end of a name that do not change what it holds."""

NUMBER: Final = _words("no nr num number numbers")

SCHEMA_VALUES: Final = _words("const default enum example examples value values")
"""In the schema of an argument, the members that hold values of it."""

META: Final = _words("description format kind lc title type")
"""Members of an object that say what it is."""

NAMES: Final = _words("field header key name param parameterkey variable")
NAMED_VALUES: Final = _words("content data parametervalue val value")
"""In an object with a member of NAMES, the members that hold the value of what that one names."""

PIN: Final = _words("pin pin_code pin_number")
CARD_CODE: Final = _words("csc cvc cvc2 cvv cvv2 card_security_code security_code")
ONE_TIME_CODE: Final = _words("mfa_code one_time_code one_time_password otp totp verification_code")
COOKIE: Final = _words("cookie set_cookie")
SHORT_PASSWORD: Final = _words("clave parola pass pw")

PHONE: Final = _words(
    """
    phone telephone mobile cell cellphone fax tel whatsapp msisdn landline callback_number contact_number phone_no
    telefon telefonnummer telefonnummeret telefonnumret telefonnr handy handynummer handynr rufnummer festnetz
    mobil mobilnummer mobilnummeret mobilnumret mobilnr mobiltelefon tlf telefoon telefoonnummer mobiel gsm
    telefono teléfono telefone telemovel telemóvel celular celu movil móvil cellulare recapito_telefonico téléphone
    telefonu telefonszam telefonszám telefonne_cislo telefónne_číslo telefonni_cislo telefonní_číslo
    puhelin puhelinnumero matkapuhelin no_hp nomor_hp nomor_telepon telepon ponsel sdt sđt dien_thoai điện_thoại
    телефон телефона мобильный τηλέφωνο κινητό هاتف رقم_الهاتف جوال تلفن
    電話 電話番号 携帯 携帯電話 携帯番号 电话 电话号码 手机 手机号 手机号码 전화 전화번호 휴대폰 휴대폰번호
    """
)
US_SSN: Final = _words("ssn social_security ss_number")
NATIONAL_ID: Final = _words(
    """
    aadhaar aadhar bsn cnpj codice_fiscale cpf curp dni driver_licence driver_license drivers_licence drivers_license
    driving_licence driving_license id_card identity_card imei imsi itin national_id national_identity national_insurance nie
    nif nin nino passport passport_id personal_number personnummer pesel steuer_id tax_id tin
    """
)
CARD: Final = _words("card cc credit_card debit_card pan payment_card")
IBAN: Final = _words("iban")
DATE_OF_BIRTH: Final = _words(
    "birth_date birth_day birthdate birthday born born_on date_naissance date_of_birth dob fecha_nacimiento geburtsdatum"
)
PERSON: Final = _words(
    """
    account_holder applicant_name beneficiary_name candidate_name cardholder_name client_name contact_name customer_name
    employee_name family_name first_name full_name given_name guest_name holder_name last_name maiden_name middle_name nachname
    passenger_name patient_name recipient_name sender_name surname vorname
    """
)
ADDRESS: Final = _words(
    """
    address_line billing_address delivery_address home_address mailing_address permanent_address postal_address
    residential_address shipping_address street street_address street_name
    """
)
MAC_ADDRESS: Final = _words("bssid hwaddr mac mac_addr mac_address")
CRYPTO_WALLET: Final = _words(
    """
    bitcoin_address btc_address crypto_address eth_address ethereum_address trx_address usdt_address wallet_address xmr_address
    """
)

COUNTED: Final = _words(
    "at bytes count cursor hash id ids index ms ns number offset seed seq size span time timestamp trace ts us version"
)
"""Names with one of these hold long numbers that are no card's."""

STAND_INS: Final = _words(
    "include inherit omit on_create same-origin string none null nil undefined true false redacted hidden"
)
"""Values that stand for one."""
LABELS: Final = _words(
    """
    Password Passwort Mot Kennwort Contraseña Contrasena Clave Senha Wachtwoord Hasło Lösenord Adgangskode Passord Salasana
    Parola
    """
)
"""What stands beside a field for a password, and is none."""
TALK: Final = _words(
    """
    password passwords passwort passwörter kennwort passphrase passcode contraseña contrasena contraseñas senha senhas
    wachtwoord wachtwoorden hasło lösenord adgangskode passord salasana
    """
)
"""Words of a sentence about a password: with one of them, and no digit, a value of several words is none."""
CODE: Final = _words(
    """
    await new lambda return str string int integer bool boolean bytes float object any dict list optional required secretstr
    text char varchar void null none nil true false undefined self this env default unset empty invalid missing expired
    incorrect wrong changed omit include inherit disabled same-origin on_create scram-sha-256 bearer basic ok yes no and or is
    the a
    """
)
"""What stands in code where a value may stand, and what is said of values: no secrets."""
