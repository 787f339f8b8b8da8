"""Parses, searches, validates and transforms XML."""
from lxml import etree

tree = etree.fromstring("<a><b n='1'>x</b><b n='2'>y</b></a>")
print(tree.xpath("//b[@n>1]/text()"))
sheet = etree.XML("""<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><c><xsl:value-of select="count(//b)"/></c></xsl:template></xsl:stylesheet>""")
print(str(etree.XSLT(sheet)(tree)).splitlines()[-1])
schema = etree.RelaxNG(etree.XML("""<element name="a" xmlns="http://relaxng.org/ns/structure/1.0"><zeroOrMore>
<element name="b"><attribute name="n"/><text/></element></zeroOrMore></element>"""))
print(schema.validate(tree))
