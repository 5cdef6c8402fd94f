"""What speaks of secrets and holds none, as configuration, code, command lines and people write it: it stays."""

import pytest

from langtrail.processors.redact import redact_text

STAYS = r"""
password = get_password()
password = os.environ["DB_PASSWORD"]
password = os.getenv("DB_PASSWORD")
password = config.get("password")
password: str
password: string;
Dim password As String = GetPassword()
Dim password As String
def login(user, password):
def login(username: str, password: str) -> bool:
password = input("Password: ")
password = getpass.getpass("Enter password: ")
if password is None:
if not password:
return password
password=password
password=self.password,
"password": os.environ["X"]
password: ${DB_PASSWORD}
password: ${{ secrets.DB_PASSWORD }}
password: {{ db_password }}
password: <%= ENV["PW"] %>
password: !Ref DBPassword
DB_PASSWORD=
DB_PASSWORD=""
PASSWORD=$PASSWORD
PASSWORD=$(cat /run/secrets/pw)
password = null
password = None;
"password": null,
password: true
Password must be at least 8 characters
The password field is required.
Please enter your password
Forgot password? Reset it here
password reset email sent
Failed password for root from 10.0.0.1 port 22 ssh2
Accepted password for bob from host
Invalid password: too short
Error: wrong password
max_tokens=4096
tokens: 1234
total_tokens: 55
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
token = tokenizer.encode(text)
next token: the
key = "name"
key: value
for key, value in d.items():
primary_key = "id"
primary key: order_id
foreign_key="users.id"
sort_key = created_at
cache_key = f"user:{id}"
dict["key"]
keyboard: qwerty
the key to success is work
secretary: Mary Smith
author: John Smith
authority = "example.com"
auth_type = "basic"
auth: none
authentication failed for user bob
authenticated: true
passed: 12
pass = 5
compass: north
bypass = true
passenger: John
password_policy: strict
password_min_length = 12
passwordField = findViewById(R.id.password)
password_reset_url = "https://example.com/reset"
token_url = "https://example.com/oauth/token"
token_type: bearer
key_file = /etc/ssl/private/key.pem
ssl_key: /etc/ssl/private/server.key
ssh_key_path: ~/.ssh/id_rsa
public_key = "abc"
secret_name = "prod/db"
secretName: my-secret
secretKeyRef:\n  name: db-secret\n  key: password
kind: Secret\nmetadata:\n  name: db-secret
type: Opaque
credentials: same-origin
credentials = load_credentials()
credentialsProvider: default
<input type="password" name="password" placeholder="Password">
<label for="password">Password</label>
input[type="password"] { color: red }
type="password"
name="password"
id="password"
print("password is wrong")
logger.info("token expired")
raise ValueError("password required")
"Password is required"
t('password.invalid')
import secrets
from auth import token
require('crypto').randomBytes(16)
secrets.token_hex(16)
const { password } = req.body;
const token = jwt.sign(payload, process.env.SECRET)
token = request.headers["Authorization"]
mysql -u root -p mydb
mkdir -p foo/bar
cp -p a b
docker run -p 8080:80 nginx
ssh -p 2222 host
nc -p 80
python -u script.py
grep -w foo
tar -k x
ls -a dir
curl -u bob https://x
git log -p file
ps -u bob
sort -k 2
proxy_pass http://backend;
location ~ \.php$ { fastcgi_pass unix:/run/php.sock; }
SELECT password FROM users
SELECT * FROM users WHERE password = ?
password VARCHAR(255) NOT NULL
`password` varchar(255) DEFAULT NULL
password TEXT
sqlalchemy.Column(String)
class Token(Base):
self.token = token
this.password = password;
user.password = hash(password)
password_hash = bcrypt.hash(password)
bcrypt.compare(password, user.password)
assert user.check_password(password)
localhost:5432
12:30:45:00:11
a:b:c:d:e
host:8080:path
com.example:artifact:jar:1.0.0
org.apache.maven:maven-core:jar:3.6:compile
http://localhost:8080/a:b@c
image: registry.io/org/app:1.2.3
app/1.2.3@sha256:abc
root:x:0:0:root:/root:/bin/bash
nobody:*:65534:
2024-01-01 12:00:00,123 INFO token refreshed
keys: [a, b, c]
the secret of life is love
A secret: nobody knows.
my pin is on the map
Passwort vergessen?
Das Passwort ist falsch
Le mot de passe est incorrect
La contraseña es incorrecta
The password is required
the password is incorrect
password is not set
The key is under the mat.
His password was stolen
sudo -S
echo "hello" | wc
session: active
session_id_name = "sid"
pin: enabled
apiKeyName: default
csrf_token_name = "csrf"
key1=value1&key2=value2
?token_type=bearer&expires_in=3600
passphrase: ""
salt rounds = 10
auth0: true
OAuth: yes
password = "${var.db_password}"
proxy_pass http://backend;
fetch(url, { credentials: 'include', mode: 'cors' })
"authorization.k8s.io/decision":"allow"
pass("First test");
jwt.encode(claims, private_pem, 'RS256')
	masterSecret []byte
	privateKey  *rsa.PrivateKey
"fastly_server": "cache-cdg20764-CDG"
perldoc -u Some::Module
SECKEYPrivateKey *key;
SRP_user_pwd *SRP_VBASE_get1_by_user(SRP_VBASE *vb, char *username);
proxy_set_header Authorization $http_authorization;
proxy_set_header Authorization "";
proxy_set_header Authorization "Bearer $token";
proxy_set_header Host $host;
proxy_set_header X-Api-Key $api_key;
proxy_pass_header Authorization;
add_header Access-Control-Allow-Headers "Authorization, Content-Type";
add_header 'Access-Control-Allow-Headers' 'Authorization,Content-Type';
RequestHeader unset Authorization
fastcgi_param HTTP_AUTHORIZATION $http_authorization;
set the Authorization header "Basic" first
password <- readline("Password: ")
password <- Sys.getenv("DB_PASSWORD")
password <- get_password("db")
token <- read.csv("tokens.csv")
key <- "name"
keys <- c("a", "b")
passwords <- length(x)
if (password <- 5) {
password <- NULL
password: String::new(),
password: String::from(password),
password: String::from(input),
let password = args.password.to_string();
let password = password.to_string();
password: password.into(),
token: Token::new("identifier"),
let key = String::from("name");
let token = "identifier".to_string();
password: Option<String>,
password: None,
pymysql.connect(host, user, password, db)
pymysql.connect("db", "root", password, "app")
psycopg2.connect("dbname=test user=postgres")
psycopg2.connect("db", "root", os.environ["PW"])
signal.connect("clicked", "pressed", "released")
button.connect("clicked", self.on_click, "data")
connect("host", "port", "timeout")
mysqli_connect($host, $user, $pass)
mysqli_connect("host", "user", $pw)
new PDO($dsn, $user, $pass)
new PDO("mysql:host=h", $user, $pw)
oci_connect($u, $p, $db)
net use
net use X: \\srv\share
net use X: /delete
net use X: \\srv\share * /user:bob
net use X: \\srv\share /user:bob
net use X: \\srv\share /user:bob *
net use X: \\srv\share %PASSWORD% /user:bob
net use X: \\srv\share /persistent:yes
net user bob /delete
net user bob * /add
net user bob
net user bob /active:yes
the net use of water per person /user: none
ConvertTo-SecureString $x
ConvertTo-SecureString $x -AsPlainText -Force
ConvertTo-SecureString -String $password -AsPlainText -Force
$secure = ConvertTo-SecureString $env:PW -AsPlainText -Force
$password = ConvertTo-SecureString $x
$password = ConvertTo-SecureString -String $x -AsPlainText -Force
$password = ConvertTo-SecureString $x -AsPlainText -Force
$Password = (ConvertTo-SecureString $x -AsPlainText -Force)
$SecurePassword = ConvertTo-SecureString $PlainPassword -AsPlainText -Force
-Password (ConvertTo-SecureString $x -AsPlainText -Force)
$password = Read-Host -AsSecureString
$password = Get-Content C:\pw.txt
$cred = Get-Credential
$credential = New-Object System.Management.Automation.PSCredential ($u, $p)
Password: ConvertTo-SecureString
credentials: [Name(
credentials: [Name("x")]
credentials: [Credential(
credentials: [AwsCredential(profile)]
credentials: [
credentials: []
credentials: [user.name, user.email]
credentials: List[Credential]
credentials: Sequence[Name]
password: __REDACTED__
password = "__REDACTED__"
{"password": "__REDACTED__"}
"token": "__MASKED__"
password=__HIDDEN__
password: REDACTED
password: <redacted>
password: (redacted)
password: {redacted}
password: **redacted**
password: --redacted--
password: [REDACTED BY POLICY]
api_key: YOUR_API_KEY
api_key: "your-api-key"
api_key: "<your-api-key>"
api_key = "your_api_key_here"
api_key = "YOUR-API-KEY-HERE"
password: "your-password"
password: "your_password_here"
api_key: "INSERT_API_KEY_HERE"
token: "REPLACE_ME"
password: __PASSWORD__
password: @@PASSWORD@@
password: #{db_password}#
password: %%PASSWORD%%
password: ***REMOVED***
password: _REDACTED_
password: REDACTED_PASSWORD
password: [Filtered]
password: [MASKED]
password: [SECRET]
password: <hidden>
password: (hidden)
password: ••••••
password: "******"
secret: "xxxxx"
msbuild /p:Configuration=Release
runas /password
mosquitto_sub -h x -p 1883 -t a
key = base64.urlsafe_b64decode(key)
usage: cmd [/pass:PASSWORD]
tool /password:%PW%
tool /pass:<password>
smbclient //srv/share -U bob%$PASSWORD
smbclient -L srv -N
lftp -u bob ftp.example.org
wpa_passphrase MyWifi $PASS
schtasks /create /tn x /tr y /ru SYSTEM
sock.connect("localhost", 80, "a", b)
password = quote_plus(password)
password = Secret(name)
password = base64.b64encode(raw)
https://example.org/pass:on
$x | ConvertTo-SecureString -AsPlainText -Force
try_password(password, *rest)\nexcept (ValueError, KeyError) as e:
"password": "Passwort",
label.password=Mot de passe
"confirm_password": "Confirm password"
"password_mismatch": "Passwords do not match"
<string name="forgot_password">Forgot password?</string>
PASSWORD_RESET_SUCCESS: "Your password has been reset."
parser.add_argument("--password", help="of the database")
@click.option("--password", prompt=True, hide_input=True)
parser.add_argument("--api-key", default=None, metavar="KEY")
usage: deploy [--user USER] [--password PASSWORD] [--token TOKEN] host
imagePullSecrets:\n  - name: regcred
secrets:\n  - db_password\n  - api_token
ssh_keys:\n  - ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7VJTUt9Us8cKj bob@laptop
existingSecret: pg-credentials
existingSecretPasswordKey: password
environment { TOKEN = credentials('npm-token') }
clientset.CoreV1().Secrets("default").Get(ctx)
passwordVariable: 'PASS', usernameVariable: 'USER'
password = random_password.db.result
db_password = config.get("database", "password")
apiKey: process.env.API_KEY!,
secrets: inherit
UPDATE users SET password = :password WHERE id = :id;
ALTER USER bob IDENTIFIED BY :newpw;
: "${SECRET_KEY:?must be set}"
SECRET_KEY = config.get<string>('auth.secretKey');
if (password === confirmPassword) {
type Mutation { login(email: String!, password: String!): AuthPayload! }
'password' => 'required|string|min:8|confirmed',
password: 'string'
password = Faker::Internet.password
password: "{{ deploy_password | password_hash('sha512') }}"
update_password: on_create
password_encryption = scram-sha-256
passwordAuthentication: disabled
System.Data, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089
throw new BadCredentialsException("Bad credentials");
[Required(ErrorMessage = "Password is required")]
<string name="error">This password is incorrect</string>
Password: (leave empty)
Authorization: Bearer <token>
Authorization: Bearer {token}
Authorization: Bearer YOUR_API_KEY
headers: { Authorization: `Bearer ${token}` }
panel.add(password, "wrap")
Cache restored from key: Linux-node-9c118557f2b84bf1d3e2a1b0c9d8e7f6
gpg: using RSA key 4AEE18F83AFDEB23B5D6A1B2C3D4E5F60718293A
    api_key: str | None\n    key_file: str | None
    key_password: dict[str, int] | None\n    key_cert_file: str | None\n    key_cert_reqs: str | None
OTP 2.0 and OTP 26.1
otp-24 of Erlang
the security code 12 of 15
verification code 3-part form
""".strip("\n").split("\n")
"""One a line; each speaks of secrets or looks like one, and holds none."""


@pytest.mark.parametrize("line", STAYS)
def test_what_only_speaks_of_secrets_stays(line: str) -> None:
    """Code that leads to a secret, names, paths, prose and ports are not redacted."""
    assert not [finding for finding in redact_text(line.replace("\\n", "\n")).findings if finding.type == "SECRET"]
