# needs: openssl openssh-client
# timeout: 180
echo secret > f; openssl dgst -sha256 f; openssl md5 f; openssl enc -aes-256-cbc -pbkdf2 -k pw -in f -out e; openssl enc -d -aes-256-cbc -pbkdf2 -k pw -in e
openssl genrsa -out k 1024 2>/dev/null; openssl rsa -in k -check -noout; openssl rsa -in k -pubout 2>/dev/null | wc -l; openssl dgst -sha256 -sign k -out s f; openssl dgst -sha256 -verify <(openssl rsa -in k -pubout 2>/dev/null) -signature s f
openssl rand -hex 8 | wc -c; openssl prime 97; openssl req -x509 -key k -subj /CN=x -days 1 -out c 2>/dev/null; openssl x509 -in c -noout -subject
ssh-keygen -q -t ed25519 -N '' -f id; wc -l < id.pub; ssh-keygen -y -f id | cut -d' ' -f1; ssh-keygen -lf id.pub | awk '{print $1, $NF}'
