"""What Homeostat needs from outside, one Protocol per need, the contract in its docstring.

Every port has a conformance suite in ``homeostat.testing`` that each adapter passes.
"""
