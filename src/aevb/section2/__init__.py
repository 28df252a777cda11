"""What section 2 and Appendix B say of estimators, shown by numbers."""
