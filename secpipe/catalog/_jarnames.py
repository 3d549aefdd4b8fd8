"""How Java archives are called: artifact and version from file names, and the groups of those that do not tell them.

Only Maven and its archiver write the group into an archive. Gradle, Ant and Bazel do not, and what they built is a third of
Maven Central's archives, Spring and Bouncy Castle among them. Their names are known here, each with the package its classes
must be in, so that an archive which merely has the name is not taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from secpipe.model.named import NamedTuple
from secpipe.model.pattern import lazy

_LONGEST = 255
_EXTENSION = lazy(r"\.[A-Za-z]{3,4}\Z")
# Versions follow a hyphen; an underscore stands before those of bundles, and of Scala in the names of artifacts.
_VERSION_AT = (lazy(r"-(?=v?[0-9])"), lazy(r"_(?=[0-9]+(?:\.[0-9]+){2})"))
_SNAPSHOT = lazy(r"-[0-9]{8}\.[0-9]{6}-[0-9]+(?=\Z|-)")
_CLASSIFIER = lazy(
    r"(?i)-(?:(?:linux|osx|macos|mac|windows|win|android|freebsd|natives?)(?:[-_.][A-Za-z0-9_.-]*)?|all|shaded|shadow|uber|fat|"
    r"standalone|bundle|jar-with-dependencies|with-dependencies|tests?|test-fixtures|exec|boot|runner|native|classes|plain|"
    r"indy|no_aop|no_deps|nodeps|nohive|hadoop2|sources|javadoc|src)\Z"
)
_QUALIFIER = lazy(
    r"(?i)[-.]?(?:[0-9]|a(?:lpha)?(?![a-z])|b(?:eta)?(?![a-z])|c(?:r)?(?![a-z])|rc|m(?=[0-9])|milestone|snapshot|ga|final|"
    r"release|sp|pre|ea|build|jre|android|java|jdk|incubating|redhat|atlassian|dev|v[0-9])"
)


class FileName(NamedTuple):
    """`artifact-version[-classifier].jar`; the version is empty where the name has none."""

    artifact: str
    version: str


def splits(name: str) -> Iterator[FileName]:
    """The ways in which a file's name can be read, the likeliest first."""
    if len(name) > _LONGEST:
        yield FileName("", "")
        return
    stem = _SNAPSHOT.sub("-SNAPSHOT", _EXTENSION.sub("", name))
    for before in _VERSION_AT:
        for match in before.finditer(stem):
            if match.start():
                version = stem[match.end() :]
                while classifier := _CLASSIFIER.search(version):
                    version = version[: classifier.start()]
                yield FileName(stem[: match.start()], version)
    yield FileName(stem, "")


def read(name: str, versions: Sequence[str], artifacts: Sequence[str]) -> FileName:
    """Artifact and version of a file's name, in view of the versions and artifacts that its manifest may mean."""
    ways = list(splits(name))
    for way in ways:
        if way.version and (way.version in versions or way.artifact in artifacts):
            return way
    for way in ways:
        for version in versions:
            # What the manifest does not have of it is a classifier, unless that is how versions go on.
            rest = way.version.removeprefix(version)
            if rest.startswith("-") and rest != way.version and not _QUALIFIER.match(rest):
                return FileName(way.artifact, version)
    return ways[0]


class _Known(NamedTuple):
    artifact: str
    root: str
    group: str
    version: str = ""
    renamed: str = ""


# Artifact, package of its classes, group (= where it is the artifact), versions (for those that moved from one group to
# another), and the artifact where the file is called otherwise. The first that fits counts.
_TABLE = r"""
spring-boot(-.*)? org.springframework.boot org.springframework.boot
spring-security-oauth2 org.springframework.security org.springframework.security.oauth
spring-security-.* org.springframework.security org.springframework.security
spring-data-.* org.springframework.data org.springframework.data
spring-cloud-.* org.springframework.cloud org.springframework.cloud
spring-(amqp|rabbit.*) org.springframework.amqp org.springframework.amqp
spring-kafka(-test)? org.springframework.kafka org.springframework.kafka
spring-integration-.* org.springframework.integration org.springframework.integration
spring-session-.* org.springframework.session org.springframework.session
spring-batch-.* org.springframework.batch org.springframework.batch
spring-ldap-.* org.springframework.ldap org.springframework.ldap
spring-hateoas org.springframework.hateoas org.springframework.hateoas
spring-retry org.springframework.retry org.springframework.retry
spring-graphql org.springframework.graphql org.springframework.graphql
spring-(webflow|binding|faces|js)(-.*)? org.springframework org.springframework.webflow
spring-(ws-.*|xml) org.springframework org.springframework.ws
spring(-(aop|aspects|beans|context.*|core.*|expression|instrument.*|jcl))? org.springframework org.springframework
spring-(jdbc|jms|messaging|orm|oxm|r2dbc|test|tx|web|webflux|webmvc.*|websocket) org.springframework org.springframework
asm(-.*)? org.objectweb.asm org.ow2.asm [4-9].*|[1-9][0-9].*
asm(-.*)? org.objectweb.asm asm
okhttp(-.*)?|logging-interceptor|mockwebserver okhttp3 com.squareup.okhttp3
okhttp(-.*)? com.squareup.okhttp com.squareup.okhttp
okio(-.*)? okio com.squareup.okio
retrofit retrofit2 com.squareup.retrofit2
kotlin-(stdlib.*|reflect|script.*|compiler.*) kotlin org.jetbrains.kotlin
kotlinx-.* kotlinx org.jetbrains.kotlinx
grpc-.* io.grpc io.grpc
reactor-core reactor.core io.projectreactor
reactor-netty.* reactor.netty io.projectreactor.netty
micrometer-tracing.* io.micrometer io.micrometer
micrometer-.* io.micrometer io.micrometer
(kafka|connect)-.*|kafka_[0-9.]+ org.apache.kafka org.apache.kafka
kafka_[0-9.]+ kafka org.apache.kafka
lucene-.* org.apache.lucene org.apache.lucene
solr-.* org.apache.solr org.apache.solr
elasticsearch(-(core|x-content|cli|geo|lz4|logging|grok|ssl-config))? org.elasticsearch org.elasticsearch
groovy(-.*)? org.codehaus.groovy org.codehaus.groovy [1-3]\..*
groovy(-.*)? org.apache.groovy org.apache.groovy ([4-9]|[1-9][0-9])\..*
bc(prov|pkix|pg|mail|jmail|tls|util|tsp|test|mls)-.*|bc-.*fips.* org.bouncycastle org.bouncycastle
tomcat-embed-.* (org.apache|javax|jakarta) org.apache.tomcat.embed
tomcat-.* (org.apache|javax|jakarta) org.apache.tomcat
catalina org.apache.catalina org.apache.tomcat .* tomcat-catalina
catalina-(ant|ha|ssi|storeconfig|tribes) org.apache.catalina org.apache.tomcat .* tomcat-{}
(jasper|jasper-el) org.apache org.apache.tomcat .* tomcat-{}
h2 org.h2 com.h2database
hsqldb org.hsqldb org.hsqldb
derby.* org.apache.derby org.apache.derby
mysql-connector-java com.mysql mysql
mysql-connector-j com.mysql com.mysql
postgresql org.postgresql org.postgresql
ojdbc[0-9]+ oracle.jdbc com.oracle.database.jdbc
jna(-platform)? com.sun.jna net.java.dev.jna
checker-qual org.checkerframework org.checkerframework
dom4j org.dom4j org.dom4j 2\..*
dom4j org.dom4j dom4j
xercesImpl org.apache.xerces xerces
xalan|serializer org.apache.(xalan|xml) xalan
ant(-(apache|commons|launcher|jsch|junit).*)? org.apache.tools org.apache.ant 1\.([7-9]|1[0-9]).*
ant(-(apache|commons|launcher|jsch|junit).*)? org.apache.tools ant
rhino(-.*)? org.mozilla org.mozilla
jython(-.*)? org.python org.python
poi(-.*)? org.apache.poi org.apache.poi
xmlbeans org.apache.xmlbeans org.apache.xmlbeans
velocity-engine-.* org.apache.velocity org.apache.velocity
velocity org.apache.velocity org.apache.velocity 1\.[5-9].*
velocity-tools org.apache.velocity org.apache.velocity
(aspectj(weaver|rt|tools)) org.aspectj org.aspectj
zookeeper(-jute)? org.apache.zookeeper org.apache.zookeeper 3\.([3-9]|[1-9][0-9]).*
cassandra-all|cassandra-thrift org.apache.cassandra org.apache.cassandra
apache-cassandra org.apache.cassandra org.apache.cassandra .* cassandra-all
struts org.apache.struts struts
rxjava io.reactivex.rxjava3 io.reactivex.rxjava3
rxjava io.reactivex.[a-z]+ io.reactivex.rxjava2 2\..*
rxjava rx io.reactivex 1\..*
graphql-java graphql com.graphql-java
picocli(-.*)? picocli info.picocli
opentelemetry-instrumentation-.* io.opentelemetry io.opentelemetry.instrumentation
opentelemetry-semconv.* io.opentelemetry.semconv io.opentelemetry.semconv
opentelemetry-(api|common|context|sdk|exporter|extension|opentracing).* io.opentelemetry io.opentelemetry
junit-platform-.* org.junit.platform org.junit.platform
junit-jupiter-.* org.junit.jupiter org.junit.jupiter
junit (org.)?junit junit
hamcrest(-.*)? org.hamcrest org.hamcrest
protobuf-(java|javalite|java-util|kotlin) com.google.protobuf com.google.protobuf
caffeine com.github.benmanes com.github.ben-manes.caffeine
json-path com.jayway.jsonpath com.jayway.jsonpath
xz org.tukaani.xz org.tukaani
jdom2? org.jdom2? org.jdom
bsh bsh org.apache-extras.beanshell 2\.0b[56].*
bsh bsh org.beanshell
reactive-streams org.reactivestreams org.reactivestreams
mockito-.* org.mockito org.mockito
ktor-.* io.ktor io.ktor
guice com.google.inject com.google.inject
guice-.* com.google.inject com.google.inject.extensions
log4j(-1\.2)? org.apache.log4j log4j .* log4j
icu4j com.ibm.icu com.ibm.icu
java-jwt com.auth0.jwt com.auth0
json org.json org.json
scala-(library|reflect|compiler) scala org.scala-lang
quartz(-jobs)? org.quartz org.quartz-scheduler
jakarta.servlet-api jakarta.servlet jakarta.servlet
commons-(beanutils|chain|cli|codec|collections|configuration|daemon|dbcp|dbutils|digester|discovery) org.apache.commons =
commons-(el|fileupload|httpclient|io|jelly|jxpath|lang|logging|modeler|net|pool|validator) org.apache.commons =
"""


@cache
def _known() -> tuple[_Known, ...]:
    return tuple(_Known(*line.split()) for line in _TABLE.strip().splitlines())


def groups(way: FileName, roots: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Group and artifact of a well-known archive by its name and the packages of its classes; none for any other."""
    for known in _known():
        if not re.fullmatch(known.artifact, way.artifact) or (
            way.version and known.version and not re.fullmatch(known.version, way.version)
        ):
            continue
        if not any(re.match(rf"{known.root}(?:\.|\Z)", root) for root in roots):
            continue
        artifact = known.renamed.format(way.artifact) or way.artifact
        yield (artifact if known.group == "=" else known.group), artifact
        if way.artifact == "catalina":
            # So it is called in the distribution, which is a package of its own to the advisories.
            yield "org.apache.tomcat", "tomcat"
        return
